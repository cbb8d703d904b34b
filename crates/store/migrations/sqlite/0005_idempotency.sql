-- Requests that came with an Idempotency-Key, and their answers. See docs/idempotency.md.

-- `owner` is whose key it is; of the key and of the request there are only hashes, and the answer is
-- sealed with what only the caller has. `attempt` tells one run of a request from a later one; `change` is the
-- first thing that it did, by the audit trail.
CREATE TABLE idempotency_keys (
    environment INTEGER NOT NULL REFERENCES environments (number),
    owner TEXT NOT NULL,
    key_hash BLOB NOT NULL,
    request_hash BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    wrote INTEGER NOT NULL,
    change TEXT,
    leased_until INTEGER NOT NULL,
    status INTEGER,
    content_type TEXT,
    body BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment, owner, key_hash)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
