-- The dashboard: operators' sessions and roles, calls by key and day, sign-ups by day, imports.
-- See docs/decisions/0010-dashboard-sessions.md. A day is a number of days since 1970-01-01, UTC.

-- Before there were roles, whoever was an operator ran the whole server.
ALTER TABLE operators ADD COLUMN server_owner INTEGER NOT NULL DEFAULT 0;
UPDATE operators SET server_owner = 1;

CREATE TABLE operator_roles (
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    app TEXT NOT NULL REFERENCES apps (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (operator, app)
) WITHOUT ROWID;
CREATE INDEX operator_roles_app ON operator_roles (app);

CREATE TABLE operator_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    address TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX operator_sessions_hash ON operator_sessions (hash);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator);
CREATE INDEX operator_sessions_expires_at ON operator_sessions (expires_at);

CREATE TABLE key_calls (
    key TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    route TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (key, day, route)
) WITHOUT ROWID;
CREATE INDEX key_calls_day ON key_calls (day);

-- Members made, whether they are still there or not.
CREATE TABLE sign_ups (
    environment INTEGER NOT NULL REFERENCES environments (number),
    day INTEGER NOT NULL,
    members INTEGER NOT NULL,
    PRIMARY KEY (environment, day)
) WITHOUT ROWID;
INSERT INTO sign_ups (environment, day, members)
    SELECT environment, created_at / 86400000000, COUNT(*) FROM members GROUP BY 1, 2;

CREATE TABLE member_imports (
    id TEXT PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    file_name TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    done INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    report TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX member_imports_created_at ON member_imports (created_at);

CREATE INDEX audit_entries_app ON audit_entries (app, number);
CREATE INDEX audit_entries_subject ON audit_entries (subject, number);
CREATE INDEX events_environment ON events (environment, number);
CREATE INDEX events_subject ON events (environment, subject, number);
CREATE INDEX contracts_holders ON contracts (plan, member_key);
