//! Opening the file of the embedded engine: how connections are set, and who may read it.

use crate::dialect::sqlite_error;
use crate::error::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Prepared statements kept for each connection.
const STATEMENTS_KEPT: usize = 128;
/// How long one process waits for another that is writing.
const BUSY_TIMEOUT_MS: i64 = 10_000;
/// Pages in the log before they are moved into the database file.
const CHECKPOINT_PAGES: i64 = 4_000;

/// Opens the one connection that writes, creating file and folder if they are missing.
pub(crate) fn connect_to_write(file: &Path) -> Result<Connection, StoreError> {
    if let Some(folder) = file.parent() {
        create_private_folder(folder)?;
    }
    let connection = connect(file)?;
    pragmas(
        &connection,
        &[
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("cache_size", "-32768"),
            ("wal_autocheckpoint", &CHECKPOINT_PAGES.to_string()),
        ],
    )?;
    make_private(file);
    Ok(connection)
}

pub(super) fn connect(file: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match super::mapped::vfs() {
        Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs),
        None => Connection::open_with_flags(file, flags),
    };
    let connection = opened.map_err(|error| sqlite_error(&error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Without the planner's stability guarantee, a statement whose parameters the planner looked
    // at (a partial index is enough) is compiled anew each time one is bound: ten times the cost
    // of the read itself.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|error| sqlite_error(&error))?;
    pragmas(
        &connection,
        &[
            ("busy_timeout", &BUSY_TIMEOUT_MS.to_string()),
            ("synchronous", "FULL"),
            ("foreign_keys", "ON"),
            ("temp_store", "MEMORY"),
            ("mmap_size", "17179869184"),
        ],
    )?;
    Ok(connection)
}

pub(super) fn pragmas(connection: &Connection, settings: &[(&str, &str)]) -> Result<(), StoreError> {
    for (name, value) in settings {
        connection.pragma_update(None, name, value).map_err(|error| sqlite_error(&error))?;
    }
    Ok(())
}

/// Only the account that runs the server may read members' data.
fn create_private_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.as_os_str().is_empty() || folder.exists() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::Unavailable(format!("cannot create {}: {error}", folder.display())))
}

fn make_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "the database file's permissions were not narrowed");
    }
}
