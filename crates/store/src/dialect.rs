//! Every difference between the two engines that statements or callers could notice.

use crate::error::StoreError;
use guildhall_domain::data_table::ColumnKind;

/// Which engine a statement is written for. Statements are portable but for what is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded engine.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// The type of a column. Texts compare by bytes on both engines.
    pub(crate) const fn column_type(self, kind: ColumnKind) -> &'static str {
        match (self, kind) {
            (Dialect::Sqlite, ColumnKind::Text) => "TEXT",
            (Dialect::Sqlite, ColumnKind::Integer | ColumnKind::Boolean) => "INTEGER",
            (Dialect::Postgres, ColumnKind::Text) => "TEXT COLLATE \"C\"",
            (Dialect::Postgres, ColumnKind::Integer) => "BIGINT",
            (Dialect::Postgres, ColumnKind::Boolean) => "BOOLEAN",
        }
    }

    /// What is added to an index so that its entries come in the order of the table's key. SQLite's
    /// always do.
    pub(crate) const fn index_tail(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => ", key",
        }
    }

    /// The function that tells where a text stands in another, from 1.
    pub(crate) const fn position(self) -> &'static str {
        match self {
            Dialect::Sqlite => "instr",
            Dialect::Postgres => "strpos",
        }
    }

    /// Keeps the rows that a `SELECT` finds from being changed until the unit of work ends. SQLite has
    /// one writer.
    pub(crate) const fn for_share(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR SHARE",
        }
    }

    /// Keeps the rows that a `SELECT` finds from being deleted until the unit of work ends.
    pub(crate) const fn for_key_share(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR KEY SHARE",
        }
    }

    /// Keeps others from the rows of this table that a `SELECT` finds, and passes over those that others keep.
    pub(crate) fn skip_locked(self, table: &str) -> String {
        match self {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => format!(" FOR UPDATE OF {table} SKIP LOCKED"),
        }
    }

    /// Keeps others from changing the rows that a `SELECT` finds until the unit of work ends; they may
    /// still point at them.
    pub(crate) const fn for_update(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR NO KEY UPDATE",
        }
    }
}

macro_rules! constraints {
    ($($(#[$doc:meta])* $name:ident = $index:literal on $columns:literal;)*) => {
        /// A rule that both engines keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Constraint {
            $($(#[$doc])* $name,)*
            /// A field of a data table, by number, whose values are unique in an environment.
            RecordField(i64),
            /// One imported id, one record of a data table and environment.
            RecordImportedId,
            /// A row points at one that does not exist, or one that is pointed at would go.
            Reference,
            /// Any other.
            Other,
        }

        /// PostgreSQL names the index, SQLite the columns.
        const UNIQUE: &[(Constraint, &str, &str)] = &[$((Constraint::$name, $index, $columns),)*];
    };
}

constraints! {
    /// One shop, one app.
    Shop = "apps_shop" on "apps.shop";
    /// One key, one record.
    KeyHash = "keys_hash" on "keys.hash";
    /// One e-mail address, one member of an environment.
    MemberEmail = "members_email" on "members.environment, members.email_normal";
    /// One imported id, one member of an environment.
    MemberImportedId = "members_imported_id" on "members.environment, members.id";
    /// A member holds a plan once.
    PlanHeld = "contracts_plan" on "contracts.member_key, contracts.plan";
    /// One number, one member of an environment.
    CustomerNumber = "members_customer_number" on "members.environment, members.customer_number";
    /// One key, one custom field of an app.
    CustomFieldKey = "custom_fields_key" on "custom_fields.app, custom_fields.key";
    /// One name, one permission of an app.
    PermissionName = "permissions_name" on "permissions.app, permissions.name";
    /// One code, one row.
    CodeHash = "one_time_codes_hash" on "one_time_codes.hash";
    /// One key, one data table of an app.
    DataTableKey = "data_tables_key" on "data_tables.app, data_tables.key";
    /// One key, one field of a data table.
    FieldKey = "data_fields_key" on "data_fields.data_table, data_fields.key";
    /// One address, one operator.
    OperatorEmail = "operators_email" on "operators.email_normal";
}

/// What an error of SQLite means to us.
pub(crate) fn sqlite_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let (failure, message) = match error {
        rusqlite::Error::SqliteFailure(failure, message) => (failure, message.as_deref()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, Some(msg.as_str())),
        other => return StoreError::corrupt(other.to_string()),
    };
    match failure.code {
        ErrorCode::OperationInterrupted => StoreError::TimedOut,
        ErrorCode::Unknown if message.is_some_and(speaks_of_records) => StoreError::TableChanged,
        ErrorCode::ConstraintViolation => {
            StoreError::Conflict(sqlite_constraint(failure.extended_code, message.unwrap_or_default()))
        }
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::OutOfMemory
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed => StoreError::Unavailable(error.to_string()),
        _ => StoreError::corrupt(error.to_string()),
    }
}

fn sqlite_constraint(extended_code: i32, message: &str) -> Constraint {
    if extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY {
        return Constraint::Reference;
    }
    let columns = message.strip_prefix("UNIQUE constraint failed: ").unwrap_or_default();
    // `records_7.environment, records_7.f21`
    let of_records = columns.strip_prefix("records_").and_then(|columns| columns.rsplit_once('.'));
    if let Some((_, column)) = of_records {
        return record_constraint(column);
    }
    UNIQUE
        .iter()
        .find(|(_, _, unique)| *unique == columns)
        .map_or(Constraint::Other, |(constraint, _, _)| *constraint)
}

/// A unique index on records, by the last of its columns: `f21` or `id`.
fn record_constraint(column: &str) -> Constraint {
    let field = column.strip_prefix('f').and_then(|number| number.parse().ok());
    match (field, column) {
        (Some(field), _) => Constraint::RecordField(field),
        (None, "id") => Constraint::RecordImportedId,
        _ => Constraint::Other,
    }
}

/// Whether the message about something that does not exist is about the table of a data table's
/// records, or a column of it: those come and go at run time.
fn speaks_of_records(message: &str) -> bool {
    let names = |rest: &str| rest.contains("records_") || rest.contains("r.f") || rest.contains(" f");
    message
        .strip_prefix("no such column:")
        .or_else(|| message.strip_prefix("no such table:"))
        .is_some_and(names)
        || (message.contains("has no column named f") && message.contains("records_"))
}

/// What an error of PostgreSQL means to us.
pub(crate) fn postgres_error(error: &tokio_postgres::Error) -> StoreError {
    use tokio_postgres::error::SqlState;
    let Some(reported) = error.as_db_error() else {
        return StoreError::Unavailable(error.to_string());
    };
    let code = reported.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        let name = reported.constraint().unwrap_or_default();
        // `records_7_f21`
        if let Some((_, column)) = name.strip_prefix("records_").and_then(|name| name.rsplit_once('_')) {
            return StoreError::Conflict(record_constraint(column));
        }
        let found = UNIQUE.iter().find(|(_, index, _)| *index == name);
        return StoreError::Conflict(found.map_or(Constraint::Other, |(constraint, _, _)| *constraint));
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return StoreError::Conflict(Constraint::Reference);
    }
    if *code == SqlState::QUERY_CANCELED {
        return StoreError::TimedOut;
    }
    if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::UNDEFINED_COLUMN {
        return StoreError::TableChanged;
    }
    // The message, without the detail: a detail quotes values.
    let text = format!("{} ({})", reported.message(), code.code());
    // Classes: 08 connection, 25 transaction state after one was lost, 40 rollback, 53 resources,
    // 55 lock not available, 57 operator intervention, 58 system error.
    if ["08", "25", "40", "53", "55", "57", "58"].contains(&&code.code()[..2]) {
        StoreError::Unavailable(text)
    } else {
        StoreError::Corrupt(text)
    }
}
