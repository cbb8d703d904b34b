-- What pages of contracts are found by: contracts that are billed, by state, plan and next date, and those whose
-- charge failed. Free plans are contracts too, many more of them, and are in none of these indexes.

-- The currency of `amount`; empty for what costs nothing.
ALTER TABLE contracts ADD COLUMN amount_currency TEXT NOT NULL DEFAULT '';
-- When a charge that failed is tried again, or since when the contract rests because of one.
ALTER TABLE contracts ADD COLUMN attention_at BIGINT;
UPDATE contracts SET amount_currency = COALESCE(document::json #>> '{terms,currency}', ''),
    attention_at = CASE
        WHEN status = 'ACTIVE' THEN (document::json #>> '{life,dunning,next_try}')::BIGINT
        WHEN status = 'PAUSED' AND document::json #>> '{life,reason}' IN ('dunning', 'security-challenge')
            THEN (document::json #>> '{life,since}')::BIGINT
    END
    WHERE kind <> 'FREE' AND document <> '';

CREATE INDEX contracts_billed_status ON contracts (environment, status, number) WHERE kind <> 'FREE';
CREATE INDEX contracts_billed_plan ON contracts (environment, plan, status, number) WHERE kind <> 'FREE';
-- Sums by day are read from this index alone. What is free has no date, and no charge that fails.
CREATE INDEX contracts_billed_next ON contracts (environment, status, next_billing_at, number, attention_at, plan,
    amount_currency, amount) WHERE next_billing_at IS NOT NULL;
CREATE INDEX contracts_attention ON contracts (environment, status, attention_at, number)
    WHERE attention_at IS NOT NULL;
