//! The two engines, set up as Guildhall sets them up, behind one interface.
//!
//! On SQLite nothing ever suspends. Everything is read over a connection that only reads.

use crate::value::{Row, Value};
use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

/// Which language to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
        }
    }

    /// One of two texts.
    pub fn pick<T>(self, sqlite: T, postgres: T) -> T {
        match self {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        }
    }
}

/// A database of either engine.
pub enum Engine {
    Sqlite { file: PathBuf, writer: Connection, reader: Connection },
    Postgres { client: Client, statements: HashMap<String, Statement> },
}

impl Engine {
    /// Makes an SQLite database, in place of the one that may be there.
    pub fn sqlite(file: &Path) -> Result<Self> {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let writer = connect(file)?;
        set(&writer, &[("journal_mode", "WAL"), ("cache_size", "-32768"), ("wal_autocheckpoint", "4000")])?;
        Ok(Engine::Sqlite { file: file.into(), reader: reader(file, true)?, writer })
    }

    /// Makes a schema on PostgreSQL, in place of the one that may be there.
    pub async fn postgres(url: &str, schema: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let setup = format!(
            "SET client_min_messages = warning; DROP SCHEMA IF EXISTS {schema} CASCADE;
             CREATE SCHEMA {schema}; SET search_path = {schema}"
        );
        client.batch_execute(&setup).await?;
        Ok(Engine::Postgres { client, statements: HashMap::new() })
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Engine::Sqlite { .. } => Dialect::Sqlite,
            Engine::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// Runs statements that have no parameters and whose answers do not matter.
    pub async fn run(&self, sql: &str) -> Result<()> {
        match self {
            Engine::Sqlite { writer, .. } => writer.execute_batch(sql).with_context(|| sql.to_owned()),
            Engine::Postgres { client, .. } => {
                client.batch_execute(sql).await.with_context(|| sql.to_owned())
            }
        }
    }

    /// Runs one statement once for each row, in one transaction. Several at a time travel to
    /// PostgreSQL if `pipelined`, else each waits for the one before it, as in Guildhall.
    pub async fn insert(&mut self, sql: &str, rows: &[Vec<Value>], pipelined: bool) -> Result<()> {
        match self {
            Engine::Sqlite { writer, .. } => {
                let transaction = writer.transaction()?;
                let mut statement = transaction.prepare_cached(sql)?;
                for row in rows {
                    statement.execute(rusqlite::params_from_iter(row))?;
                }
                drop(statement);
                transaction.commit()?;
            }
            Engine::Postgres { client, statements } => {
                let statement = prepared(client, statements, sql).await?;
                client.batch_execute("BEGIN").await?;
                if pipelined {
                    let sent = rows.iter().map(|row| client.execute_raw(&statement, row));
                    try_join_all(sent).await?;
                } else {
                    for row in rows {
                        client.execute_raw(&statement, row).await?;
                    }
                }
                client.batch_execute("COMMIT").await?;
            }
        }
        Ok(())
    }

    /// Asks a question with a prepared statement.
    pub async fn each(
        &mut self,
        sql: &str,
        params: &[Value],
        take: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        match self {
            Engine::Sqlite { reader, .. } => each(reader, sql, params, take),
            Engine::Postgres { client, statements } => {
                let statement = prepared(client, statements, sql).await?;
                let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
                let rows = client.query(&statement, &params).await?;
                rows.iter().try_for_each(|row| take(&Row::Postgres(row)))
            }
        }
    }

    /// Moves what was written to where it stays, so that it does not disturb what is timed next.
    pub async fn settle(&self) -> Result<()> {
        self.run(self.dialect().pick("PRAGMA wal_checkpoint(TRUNCATE)", "CHECKPOINT")).await
    }

    /// How the planner would answer, with these values in the text of the statement.
    pub async fn plan(&mut self, sql: &str, params: &[Value]) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let (sql, params, column) = match self.dialect() {
            Dialect::Sqlite => (format!("EXPLAIN QUERY PLAN {sql}"), params, 3),
            Dialect::Postgres => (format!("EXPLAIN {}", inlined(sql, params)), &[][..], 0),
        };
        self.each(&sql, params, &mut |row| {
            lines.push(row.some_text(column)?.to_owned());
            Ok(())
        })
        .await?;
        Ok(lines)
    }

    /// Forgets the statements that PostgreSQL has prepared, and with them the plans it has settled on.
    pub fn forget(&mut self) {
        if let Engine::Postgres { statements, .. } = self {
            statements.clear();
        }
    }

    /// Bytes of tables and bytes of indexes.
    pub async fn size(&mut self) -> Result<(i64, i64)> {
        let sql = self.dialect().pick(
            "SELECT sum(CASE WHEN s.type = 'index' THEN 0 ELSE d.pgsize END),
                 sum(CASE WHEN s.type = 'index' THEN d.pgsize ELSE 0 END)
             FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE",
            "SELECT CAST(sum(pg_table_size(oid)) AS BIGINT), CAST(sum(pg_indexes_size(oid)) AS BIGINT)
             FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace)",
        );
        let mut size = (0, 0);
        self.each(sql, &[], &mut |row| {
            size = (row.some_int(0)?, row.some_int(1)?);
            Ok(())
        })
        .await?;
        Ok(size)
    }
}

/// A statement with values in place of its placeholders.
fn inlined(sql: &str, params: &[Value]) -> String {
    let numbered = params.iter().enumerate().rev();
    numbered
        .fold(sql.to_owned(), |sql, (index, value)| sql.replace(&format!("${}", index + 1), &value.literal()))
}

/// A connection that only reads. Guildhall's are `stable`: a plan never depends on a parameter.
pub fn reader(file: &Path, stable: bool) -> Result<Connection> {
    let connection = connect(file)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, stable)?;
    set(&connection, &[("query_only", "ON"), ("cache_size", "-2048")])?;
    Ok(connection)
}

/// Asks one SQLite connection a question with a statement that it keeps.
pub fn each(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    take: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql).with_context(|| sql.to_owned())?;
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    while let Some(row) = rows.next()? {
        take(&Row::Sqlite(row))?;
    }
    Ok(())
}

fn connect(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let settings = [
        ("busy_timeout", "10000"),
        ("synchronous", "FULL"),
        ("foreign_keys", "ON"),
        ("temp_store", "MEMORY"),
        ("mmap_size", "17179869184"),
    ];
    set(&connection, &settings)?;
    Ok(connection)
}

fn set(connection: &Connection, settings: &[(&str, &str)]) -> Result<()> {
    for (name, value) in settings {
        connection.pragma_update(None, name, value)?;
    }
    Ok(())
}

async fn prepared(
    client: &Client,
    statements: &mut HashMap<String, Statement>,
    sql: &str,
) -> Result<Statement> {
    if let Some(statement) = statements.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql).await.with_context(|| sql.to_owned())?;
    statements.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}
