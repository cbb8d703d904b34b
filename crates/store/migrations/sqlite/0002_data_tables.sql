-- Data tables: what is defined here; the records of each lie in a table of their own, `records_N`,
-- which is made when the data table is (see docs/decisions/0007-one-table-for-each-data-table.md).

CREATE TABLE data_tables (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id TEXT NOT NULL,
    app TEXT NOT NULL REFERENCES apps (id),
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    create_rule TEXT NOT NULL,
    read_rule TEXT NOT NULL,
    update_rule TEXT NOT NULL,
    delete_rule TEXT NOT NULL,
    imported_ids INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
CREATE UNIQUE INDEX data_tables_id ON data_tables (id);
CREATE UNIQUE INDEX data_tables_key ON data_tables (app, key);

CREATE TABLE data_fields (
    number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    id TEXT NOT NULL,
    data_table INTEGER NOT NULL REFERENCES data_tables (number) ON DELETE CASCADE,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    required INTEGER NOT NULL,
    is_unique INTEGER NOT NULL,
    default_value TEXT,
    position INTEGER,
    referenced_table INTEGER REFERENCES data_tables (number),
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX data_fields_key ON data_fields (data_table, key);
CREATE INDEX data_fields_referenced_table ON data_fields (referenced_table);

-- The last place given in a data table, and how many records it has, in each environment.
CREATE TABLE record_counters (
    data_table INTEGER NOT NULL REFERENCES data_tables (number) ON DELETE CASCADE,
    environment INTEGER NOT NULL REFERENCES environments (number),
    last_sequence INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (data_table, environment)
) WITHOUT ROWID;

-- What the fields that hold many references point at: records of the referenced table, or members.
CREATE TABLE record_links (
    field INTEGER NOT NULL REFERENCES data_fields (number) ON DELETE CASCADE,
    record INTEGER NOT NULL,
    target INTEGER NOT NULL,
    PRIMARY KEY (field, record, target)
) WITHOUT ROWID;
CREATE INDEX record_links_target ON record_links (field, target);
