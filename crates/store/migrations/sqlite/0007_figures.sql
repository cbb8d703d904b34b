-- The figures of contracts by day, and the filters of members that operators have saved.
-- A day is a number of days since 1970-01-01, UTC, by the environment's clock. See docs/dashboard.md.

-- Contracts that the figures know. Those that were there before are brought in after the start.
ALTER TABLE contracts ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX contracts_uncounted ON contracts (number) WHERE counted = FALSE AND kind <> 'FREE';

-- How it stands now. Each contract counts in the slot that its number chooses, so that units of work on
-- different contracts seldom wait for each other; whoever reads adds the slots up.
CREATE TABLE contract_totals (
    environment INTEGER NOT NULL REFERENCES environments (number),
    currency TEXT NOT NULL,
    slot INTEGER NOT NULL,
    active INTEGER NOT NULL,
    retrying INTEGER NOT NULL,
    monthly INTEGER NOT NULL,
    PRIMARY KEY (environment, currency, slot)
) WITHOUT ROWID;

-- What each day brought: `active` and `monthly` by how much the totals changed, the others what happened.
CREATE TABLE contract_days (
    environment INTEGER NOT NULL REFERENCES environments (number),
    day INTEGER NOT NULL,
    currency TEXT NOT NULL,
    slot INTEGER NOT NULL,
    active INTEGER NOT NULL,
    monthly INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    collected INTEGER NOT NULL,
    PRIMARY KEY (environment, day, currency, slot)
) WITHOUT ROWID;
-- Of charges that were made before, only the last try of each period is still known.
INSERT INTO contract_days (environment, day, currency, slot, active, monthly, ended, failed, collected)
    SELECT environment, tried_at / 86400000000, currency, contract % 32, 0, 0, 0,
        SUM(CASE WHEN status = 'SUCCESS' THEN 0 ELSE 1 END), SUM(CASE WHEN status = 'SUCCESS' THEN amount ELSE 0 END)
    FROM billing_attempts
    WHERE tried_at IS NOT NULL AND status IN ('SUCCESS', 'FAILURE', 'SKIPPED_DUNNING_MGMT', 'SECURITY_CHALLENGE')
    GROUP BY 1, 2, 3, 4;

CREATE TABLE saved_filters (
    id TEXT PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX saved_filters_name ON saved_filters (environment, name);
