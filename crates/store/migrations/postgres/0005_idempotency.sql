-- Requests that came with an Idempotency-Key, and their answers. See docs/idempotency.md.

-- `owner` is whose key it is; of the key and of the request there are only hashes, and the answer is
-- sealed with what only the caller has. `attempt` tells one run of a request from a later one; `change` is the
-- first thing that it did, by the audit trail.
CREATE TABLE idempotency_keys (
    environment BIGINT NOT NULL REFERENCES environments (number),
    owner TEXT NOT NULL,
    key_hash BYTEA NOT NULL,
    request_hash BYTEA NOT NULL,
    attempt BIGINT NOT NULL,
    wrote BOOLEAN NOT NULL,
    change TEXT,
    leased_until BIGINT NOT NULL,
    status BIGINT,
    content_type TEXT,
    body BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment, owner, key_hash)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
