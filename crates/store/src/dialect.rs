//! Every difference between the two engines that statements or callers could notice.

use crate::error::StoreError;

macro_rules! constraints {
    ($($(#[$doc:meta])* $name:ident = $index:literal on $columns:literal;)*) => {
        /// A rule that both engines keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Constraint {
            $($(#[$doc])* $name,)*
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
    /// One key, one custom field of an app.
    CustomFieldKey = "custom_fields_key" on "custom_fields.app, custom_fields.key";
    /// One name, one permission of an app.
    PermissionName = "permissions_name" on "permissions.app, permissions.name";
    /// One code, one row.
    CodeHash = "one_time_codes_hash" on "one_time_codes.hash";
    /// One address, one operator.
    OperatorEmail = "operators_email" on "operators.email_normal";
}

/// What an error of SQLite means to us.
pub(crate) fn sqlite_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let rusqlite::Error::SqliteFailure(failure, message) = error else {
        return StoreError::corrupt(error.to_string());
    };
    match failure.code {
        ErrorCode::ConstraintViolation => StoreError::Conflict(sqlite_constraint(
            failure.extended_code,
            message.as_deref().unwrap_or_default(),
        )),
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::OutOfMemory
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::OperationInterrupted => StoreError::Unavailable(error.to_string()),
        _ => StoreError::corrupt(error.to_string()),
    }
}

fn sqlite_constraint(extended_code: i32, message: &str) -> Constraint {
    if extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY {
        return Constraint::Reference;
    }
    let columns = message.strip_prefix("UNIQUE constraint failed: ").unwrap_or_default();
    UNIQUE
        .iter()
        .find(|(_, _, unique)| *unique == columns)
        .map_or(Constraint::Other, |(constraint, _, _)| *constraint)
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
        let found = UNIQUE.iter().find(|(_, index, _)| *index == name);
        return StoreError::Conflict(found.map_or(Constraint::Other, |(constraint, _, _)| *constraint));
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return StoreError::Conflict(Constraint::Reference);
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
