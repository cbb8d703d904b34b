-- Times are UTC microseconds. JSON is kept as text. See docs/ARCHITECTURE.md, "Storage".

CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- One row; its number changes with every change to keys, apps or definitions.
CREATE TABLE authority (
    id INTEGER PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL
);
INSERT INTO authority (id, version) VALUES (1, 1);

CREATE TABLE apps (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    shop TEXT,
    api_access INTEGER NOT NULL,
    passwordless INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX apps_shop ON apps (shop);

CREATE TABLE environments (
    number INTEGER PRIMARY KEY NOT NULL,
    app TEXT NOT NULL REFERENCES apps (id),
    mode TEXT NOT NULL,
    member_count INTEGER NOT NULL,
    member_sequence INTEGER NOT NULL
);
CREATE UNIQUE INDEX environments_mode ON environments (app, mode);

CREATE TABLE keys (
    id TEXT PRIMARY KEY NOT NULL,
    app TEXT REFERENCES apps (id),
    environment INTEGER REFERENCES environments (number),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    start TEXT NOT NULL,
    imported INTEGER NOT NULL,
    scopes TEXT NOT NULL,
    allowed_addresses TEXT NOT NULL,
    rate_limit INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER,
    revoked_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX keys_hash ON keys (hash);
CREATE INDEX keys_app ON keys (app);

CREATE TABLE plans (
    id TEXT PRIMARY KEY NOT NULL,
    app TEXT NOT NULL REFERENCES apps (id),
    name TEXT NOT NULL,
    description TEXT,
    priority INTEGER,
    status TEXT NOT NULL,
    restrict_to_admin INTEGER NOT NULL,
    member_limit INTEGER,
    redirects TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX plans_app ON plans (app);

CREATE TABLE prices (
    id TEXT PRIMARY KEY NOT NULL,
    plan TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    name TEXT,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    interval_unit TEXT NOT NULL,
    interval_count INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX prices_plan ON prices (plan);

CREATE TABLE permissions (
    id TEXT PRIMARY KEY NOT NULL,
    app TEXT NOT NULL REFERENCES apps (id),
    name TEXT NOT NULL,
    description TEXT
) WITHOUT ROWID;
CREATE UNIQUE INDEX permissions_name ON permissions (app, name);

CREATE TABLE plan_permissions (
    plan TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    permission TEXT NOT NULL REFERENCES permissions (id) ON DELETE CASCADE,
    PRIMARY KEY (plan, permission)
) WITHOUT ROWID;

CREATE TABLE custom_fields (
    id TEXT PRIMARY KEY NOT NULL,
    app TEXT NOT NULL REFERENCES apps (id),
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    visibility TEXT NOT NULL,
    restrict_to_admin INTEGER NOT NULL,
    position INTEGER,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX custom_fields_key ON custom_fields (app, key);

-- `contracts` is a summary of the rows in the table of that name, kept in step with it.
-- The key is the environment's number and the member's number in it, so members of one
-- environment lie together in the order they were made.
CREATE TABLE members (
    key INTEGER PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments (number),
    id TEXT NOT NULL,
    imported_id INTEGER NOT NULL,
    email TEXT,
    email_normal TEXT,
    password_hash TEXT,
    verified INTEGER NOT NULL,
    custom_fields TEXT NOT NULL,
    meta_data TEXT NOT NULL,
    permissions TEXT NOT NULL,
    login_redirect TEXT,
    profile_image TEXT,
    stripe_customer_id TEXT,
    last_login_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    contracts TEXT NOT NULL,
    json TEXT NOT NULL
);
CREATE UNIQUE INDEX members_email ON members (environment, email_normal);
CREATE UNIQUE INDEX members_imported_id ON members (environment, id) WHERE imported_id;

CREATE TABLE contracts (
    member_key INTEGER NOT NULL REFERENCES members (key) ON DELETE CASCADE,
    id TEXT NOT NULL,
    plan TEXT NOT NULL REFERENCES plans (id),
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (member_key, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX contracts_plan ON contracts (member_key, plan);

-- How many members of an environment hold a plan.
CREATE TABLE plan_holders (
    plan TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    environment INTEGER NOT NULL REFERENCES environments (number),
    holders INTEGER NOT NULL,
    PRIMARY KEY (plan, environment)
) WITHOUT ROWID;

CREATE TABLE events (
    number INTEGER PRIMARY KEY NOT NULL,
    environment INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE audit_entries (
    number INTEGER PRIMARY KEY NOT NULL,
    app TEXT,
    environment INTEGER,
    actor_kind TEXT NOT NULL,
    actor TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    request TEXT,
    created_at INTEGER NOT NULL
);

CREATE TABLE operators (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL,
    email_normal TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX operators_email ON operators (email_normal);

CREATE TABLE operator_links (
    id TEXT PRIMARY KEY NOT NULL,
    operator TEXT REFERENCES operators (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX operator_links_hash ON operator_links (hash);
