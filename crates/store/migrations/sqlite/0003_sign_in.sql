-- Signing in: sessions, the keys that tokens are signed with, one-time codes, attempts, and mail.
-- See docs/decisions/0008-sign-in.md.

ALTER TABLE apps ADD COLUMN session_seconds INTEGER NOT NULL DEFAULT 1209600;
ALTER TABLE apps ADD COLUMN member_self_delete INTEGER NOT NULL DEFAULT 1;

-- The private half goes when a key is retired; the public half stays until its last token has ended.
CREATE TABLE token_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    private_key BLOB,
    modulus TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    published_until INTEGER
) WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    member_key INTEGER NOT NULL REFERENCES members (key) ON DELETE CASCADE,
    method TEXT NOT NULL,
    address TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;
CREATE INDEX sessions_member ON sessions (member_key);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- Ways to sign in beside the password and the address of the member's own row: one row for each
-- passkey, second factor or account elsewhere.
CREATE TABLE sign_in_methods (
    id TEXT PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    member_key INTEGER NOT NULL REFERENCES members (key) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX sign_in_methods_subject ON sign_in_methods (environment, kind, subject);
CREATE INDEX sign_in_methods_member ON sign_in_methods (member_key);

CREATE TABLE one_time_codes (
    environment INTEGER NOT NULL REFERENCES environments (number),
    purpose TEXT NOT NULL,
    email_normal TEXT NOT NULL,
    member_key INTEGER REFERENCES members (key) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    origin TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (environment, purpose, email_normal)
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_time_codes_hash ON one_time_codes (hash);
CREATE INDEX one_time_codes_member ON one_time_codes (member_key);
CREATE INDEX one_time_codes_expires_at ON one_time_codes (expires_at);

-- Whose attempts: a hash, so that neither addresses nor e-mails lie here in the clear.
CREATE TABLE sign_in_attempts (
    subject BLOB PRIMARY KEY NOT NULL,
    attempts INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    free_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_in_attempts_last_at ON sign_in_attempts (last_at);

CREATE TABLE mails (
    number INTEGER PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    sent_at INTEGER,
    refusal TEXT
);
CREATE INDEX mails_environment ON mails (environment, number);
CREATE INDEX mails_next_at ON mails (next_at);
CREATE INDEX mails_sent_at ON mails (sent_at);

CREATE TABLE mail_templates (
    app TEXT NOT NULL REFERENCES apps (id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app, kind)
) WITHOUT ROWID;
