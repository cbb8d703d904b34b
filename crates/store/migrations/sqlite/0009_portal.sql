-- The customer portal: links that open one member's memberships. See docs/portal.md.

-- Only a hash of each token is kept. A link opens no more than the key that asked for it, and ends with that key.
CREATE TABLE portal_tokens (
    number INTEGER PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    member_key INTEGER NOT NULL REFERENCES members (key) ON DELETE CASCADE,
    key TEXT REFERENCES keys (id),
    changes_contracts INTEGER NOT NULL,
    changes_billing INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE UNIQUE INDEX portal_tokens_hash ON portal_tokens (hash);
CREATE INDEX portal_tokens_member ON portal_tokens (member_key, number);
CREATE INDEX portal_tokens_expires_at ON portal_tokens (expires_at);
