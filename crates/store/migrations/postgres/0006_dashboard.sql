-- The dashboard: operators' sessions and roles, calls by key and day, sign-ups by day, imports.
-- See docs/decisions/0010-dashboard-sessions.md. A day is a number of days since 1970-01-01, UTC.

-- Before there were roles, whoever was an operator ran the whole server.
ALTER TABLE operators ADD COLUMN server_owner BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE operators SET server_owner = TRUE;

CREATE TABLE operator_roles (
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    app TEXT NOT NULL REFERENCES apps (id),
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (operator, app)
);
CREATE INDEX operator_roles_app ON operator_roles (app);

CREATE TABLE operator_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    address TEXT,
    user_agent TEXT,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX operator_sessions_hash ON operator_sessions (hash);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator);
CREATE INDEX operator_sessions_expires_at ON operator_sessions (expires_at);

CREATE TABLE key_calls (
    key TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    route TEXT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (key, day, route)
);
CREATE INDEX key_calls_day ON key_calls (day);

-- Members made, whether they are still there or not.
CREATE TABLE sign_ups (
    environment BIGINT NOT NULL REFERENCES environments (number),
    day BIGINT NOT NULL,
    members BIGINT NOT NULL,
    PRIMARY KEY (environment, day)
);
INSERT INTO sign_ups (environment, day, members)
    SELECT environment, created_at / 86400000000, COUNT(*) FROM members GROUP BY 1, 2;

CREATE TABLE member_imports (
    id TEXT PRIMARY KEY NOT NULL,
    environment BIGINT NOT NULL REFERENCES environments (number),
    operator TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    file_name TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    done BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    report TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX member_imports_created_at ON member_imports (created_at);

CREATE INDEX audit_entries_app ON audit_entries (app, number);
CREATE INDEX audit_entries_subject ON audit_entries (subject, number);
CREATE INDEX events_environment ON events (environment, number);
CREATE INDEX events_subject ON events (environment, subject, number);
CREATE INDEX contracts_holders ON contracts (plan, member_key);

-- Addresses compare by their bytes, as on SQLite: a list in their order is the same on both.
ALTER TABLE members ALTER COLUMN email_normal TYPE TEXT COLLATE "C";
