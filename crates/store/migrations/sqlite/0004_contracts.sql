-- Contracts with their billing, the numbers that the Appstle dialect speaks, and the sandbox's clock.
-- See docs/contracts.md.

ALTER TABLE apps ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE apps ADD COLUMN currency TEXT NOT NULL DEFAULT 'usd';
ALTER TABLE apps ADD COLUMN dunning_retries INTEGER NOT NULL DEFAULT 3;
ALTER TABLE apps ADD COLUMN dunning_days INTEGER NOT NULL DEFAULT 3;
ALTER TABLE apps ADD COLUMN dunning_outcome TEXT NOT NULL DEFAULT 'CANCEL_SUBSCRIPTION';

-- What was done with contracts and attempts; the statements that read it repeat the condition.
CREATE INDEX audit_entries_activity ON audit_entries (environment, number)
    WHERE substr(action, 1, 8) IN ('contract', 'attempt.');
CREATE INDEX audit_entries_activity_subject ON audit_entries (environment, subject, number)
    WHERE substr(action, 1, 8) IN ('contract', 'attempt.');

-- A sandbox's own clock: where it stands, if it is frozen, and where it is moving to.
ALTER TABLE environments ADD COLUMN clock_at INTEGER;
ALTER TABLE environments ADD COLUMN clock_target INTEGER;

-- The last number given to each noun that has numbers.
CREATE TABLE numbers (
    noun TEXT PRIMARY KEY NOT NULL,
    last INTEGER NOT NULL
) WITHOUT ROWID;

ALTER TABLE plans ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE plans SET number = 1000 + (SELECT COUNT(*) FROM plans AS older
    WHERE older.created_at < plans.created_at OR (older.created_at = plans.created_at AND older.id <= plans.id));
CREATE UNIQUE INDEX plans_number ON plans (number);
INSERT INTO numbers (noun, last) SELECT 'plan', 1000 + COUNT(*) FROM plans;

ALTER TABLE prices ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prices ADD COLUMN trial_days INTEGER NOT NULL DEFAULT 0;
UPDATE prices SET number = 1000 + (SELECT COUNT(*) FROM prices AS older
    WHERE older.created_at < prices.created_at OR (older.created_at = prices.created_at AND older.id <= prices.id));
CREATE UNIQUE INDEX prices_number ON prices (number);
INSERT INTO numbers (noun, last) SELECT 'price', 1000 + COUNT(*) FROM prices;

-- Only numbers that were given; a member without one has that of its place.
ALTER TABLE members ADD COLUMN customer_number INTEGER;
CREATE UNIQUE INDEX members_customer_number ON members (environment, customer_number)
    WHERE customer_number IS NOT NULL;

ALTER TABLE contracts RENAME TO free_contracts;
DROP INDEX contracts_plan;

-- `document` is the whole contract; the columns are what it is found by. `wake_at` is when something
-- about it is next due.
CREATE TABLE contracts (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id TEXT NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    member_key INTEGER NOT NULL REFERENCES members (key) ON DELETE CASCADE,
    plan TEXT REFERENCES plans (id),
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    next_billing_at INTEGER,
    interval_unit TEXT,
    interval_count INTEGER,
    amount INTEGER NOT NULL,
    customer_name TEXT NOT NULL,
    imported INTEGER NOT NULL,
    wake_at INTEGER,
    leased_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    document TEXT NOT NULL
);
INSERT INTO contracts (id, environment, member_key, plan, kind, status, amount, customer_name, imported, created_at,
    updated_at, document)
    SELECT f.id, m.environment, f.member_key, f.plan, f.kind, f.status, 0, '', 0, f.created_at, f.created_at, ''
    FROM free_contracts f JOIN members m ON m.key = f.member_key ORDER BY f.created_at, f.id;
DROP TABLE free_contracts;
CREATE UNIQUE INDEX contracts_id ON contracts (id);
CREATE INDEX contracts_member ON contracts (member_key, number);
CREATE UNIQUE INDEX contracts_plan ON contracts (member_key, plan) WHERE kind = 'FREE';
CREATE INDEX contracts_environment ON contracts (environment, number);
CREATE INDEX contracts_next_billing_at ON contracts (environment, next_billing_at, number);
CREATE INDEX contracts_wake_at ON contracts (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX contracts_clock ON contracts (environment, wake_at) WHERE wake_at IS NOT NULL;

-- What the lines of contracts are for, to find contracts by.
CREATE TABLE contract_items (
    contract INTEGER NOT NULL REFERENCES contracts (number) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    product INTEGER,
    selling_plan INTEGER,
    PRIMARY KEY (contract, line)
) WITHOUT ROWID;
CREATE INDEX contract_items_variant ON contract_items (variant, contract);

-- One for each period of a contract that is due, was charged or was skipped. `slot` is the period's number;
-- an upgrade's charge has a slot below zero.
CREATE TABLE billing_attempts (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    contract INTEGER NOT NULL REFERENCES contracts (number) ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    status TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    tries INTEGER NOT NULL,
    tried_at INTEGER,
    charge_key TEXT,
    provider_reference TEXT,
    code TEXT,
    message TEXT,
    note TEXT NOT NULL,
    items TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX billing_attempts_slot ON billing_attempts (contract, slot);
CREATE INDEX billing_attempts_status ON billing_attempts (environment, status, number);
CREATE INDEX billing_attempts_due_at ON billing_attempts (environment, due_at, number);

CREATE TABLE payment_methods (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    member_key INTEGER NOT NULL REFERENCES members (key) ON DELETE CASCADE,
    reference TEXT NOT NULL,
    provider TEXT NOT NULL,
    brand TEXT NOT NULL,
    last_digits TEXT NOT NULL,
    expiry_month INTEGER NOT NULL,
    expiry_year INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
);
CREATE UNIQUE INDEX payment_methods_reference ON payment_methods (member_key, reference);

-- What the built-in fake provider has been asked to charge: its own books, which know nothing of contracts.
CREATE TABLE fake_charges (
    charge_key TEXT PRIMARY KEY NOT NULL,
    reference TEXT NOT NULL,
    token TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    outcome TEXT NOT NULL,
    asked INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What codes that customers are given take off. `amount` is a percentage or minor units, as `kind` says.
CREATE TABLE discount_codes (
    app TEXT NOT NULL REFERENCES apps (id),
    code TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    cycles INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app, code)
) WITHOUT ROWID;
