//! The schema's history: one folder of statements for each engine, with equal numbers and names.
//!
//! Applied migrations are never edited. Each runs in one transaction together with the note that
//! it ran, so an upgrade that is killed half way starts again where it stood.

use crate::driver::{Param, PostgresEngine, Row, sqlite_run};
use crate::error::StoreError;
use guildhall_domain::Timestamp;

/// One step of the schema's history.
pub struct Migration {
    /// 1 and up, without gaps.
    pub number: i64,
    /// What it is about.
    pub name: &'static str,
    /// Its statements for SQLite.
    pub sqlite: &'static str,
    /// Its statements for PostgreSQL.
    pub postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal;)*) => {
        /// All of them, in order.
        pub(crate) const MIGRATIONS: &[Migration] = &[$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        },)*];
    };
}

migrations! {
    1 "0001_start";
    2 "0002_data_tables";
    3 "0003_sign_in";
    4 "0004_contracts";
    5 "0005_idempotency";
    6 "0006_dashboard";
    7 "0007_figures";
    8 "0008_contract_pages";
    9 "0009_portal";
}

/// The version that this binary brings a database to.
pub const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].number;

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT PRIMARY KEY NOT NULL, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";
const VERSION: &str = "SELECT COALESCE(MAX(number), 0) FROM schema_migrations";
const NOTE: &str = "INSERT INTO schema_migrations (number, name, applied_at) VALUES ($1, $2, $3)";
/// Any number that nobody else takes an advisory lock with.
const LOCK: i64 = 0x6775_696c_6468_616c;

fn outstanding(found: i64) -> Result<impl Iterator<Item = &'static Migration>, StoreError> {
    if found > SCHEMA_VERSION {
        return Err(StoreError::TooNew { found, known: SCHEMA_VERSION });
    }
    Ok(MIGRATIONS.iter().filter(move |migration| migration.number > found))
}

fn note(migration: &Migration, now: Timestamp) -> [Param<'static>; 3] {
    [Param::Int(migration.number), Param::Text(migration.name), Param::Int(now.micros())]
}

/// Brings an SQLite file up to date. Another process that starts at the same time waits.
pub(crate) fn apply_sqlite(connection: &mut rusqlite::Connection, now: Timestamp) -> Result<(), StoreError> {
    let run = |sql: &str, params: &[Param<'_>]| sqlite_run(connection, sql, params);
    // Looked at first without locking, so that a command beside a busy server need not wait.
    if sqlite_version(connection) == Ok(SCHEMA_VERSION) {
        return Ok(());
    }
    run("BEGIN IMMEDIATE", &[])?;
    let applied = (|| {
        run(HISTORY, &[])?;
        let found = sqlite_version(connection).map_err(StoreError::corrupt)?;
        for migration in outstanding(found)? {
            connection
                .execute_batch(migration.sqlite)
                .map_err(|error| StoreError::corrupt(format!("{}: {error}", migration.name)))?;
            run(NOTE, &note(migration, now))?;
        }
        Ok(())
    })();
    run(if applied.is_ok() { "COMMIT" } else { "ROLLBACK" }, &[])?;
    applied
}

fn sqlite_version(connection: &rusqlite::Connection) -> Result<i64, String> {
    connection.query_row(VERSION, [], |row| row.get(0)).map_err(|error| error.to_string())
}

/// Brings a PostgreSQL database up to date. Other nodes that start at the same time wait.
pub(crate) async fn apply_postgres(engine: &PostgresEngine, now: Timestamp) -> Result<(), StoreError> {
    let mut client = engine.client().await?;
    let failed = |error: tokio_postgres::Error| crate::dialect::postgres_error(&error);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    transaction.batch_execute(HISTORY).await.map_err(failed)?;
    let row = transaction.query_one(VERSION, &[]).await.map_err(failed)?;
    let found = Row::Postgres(&row).int(0)?;
    for migration in outstanding(found)? {
        transaction.batch_execute(migration.postgres).await.map_err(failed)?;
        let [number, name, at] = note(migration, now);
        transaction.execute(NOTE, &[&number, &name, &at]).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps_and_names_carry_them() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number, index as i64 + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.number)));
        }
    }

    #[test]
    fn both_folders_hold_the_same_names_and_nothing_else() {
        let names = |engine: &str| {
            let folder = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
            let mut names: Vec<_> = std::fs::read_dir(folder)
                .expect("the folder is there")
                .map(|entry| entry.expect("readable").file_name().into_string().expect("text"))
                .collect();
            names.sort();
            names
        };
        let listed: Vec<_> = MIGRATIONS.iter().map(|m| format!("{}.sql", m.name)).collect();
        assert_eq!(names("sqlite"), listed);
        assert_eq!(names("postgres"), listed);
    }
}
