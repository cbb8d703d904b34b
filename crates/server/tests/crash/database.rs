//! The tables, seen beside the server.

use std::collections::HashMap;
use std::path::Path;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A database of either engine.
pub enum Database {
    /// The embedded engine's file.
    Sqlite(rusqlite::Connection),
    /// A connection.
    Postgres(tokio_postgres::Client),
}

impl Database {
    pub fn sqlite(file: &Path) -> Self {
        Database::Sqlite(rusqlite::Connection::open(file).expect("the file opens"))
    }

    pub async fn postgres(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the database answers");
        tokio::spawn(connection);
        Database::Postgres(client)
    }

    /// All rows of a statement that both engines know, as text.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Database::Sqlite(connection) => sqlite_rows(connection, sql).expect("the statement runs"),
            Database::Postgres(client) => {
                let messages = client.simple_query(sql).await.expect("the statement runs");
                let cells = |row: &tokio_postgres::SimpleQueryRow| {
                    (0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect()
                };
                let row = |message: &SimpleQueryMessage| match message {
                    SimpleQueryMessage::Row(row) => Some(cells(row)),
                    _ => None,
                };
                messages.iter().filter_map(row).collect()
            }
        }
    }

    /// Runs a statement that both engines know.
    pub async fn execute(&self, sql: &str) {
        match self {
            Database::Sqlite(connection) => connection.execute_batch(sql).expect("the statement runs"),
            Database::Postgres(client) => client.batch_execute(sql).await.expect("the statement runs"),
        }
    }

    /// Rows of a name and a number.
    pub async fn counts(&self, sql: &str) -> HashMap<String, i64> {
        let rows = self.rows(sql).await;
        rows.into_iter().map(|row| (row[0].clone(), row[1].parse().expect("a number"))).collect()
    }

    /// The one number that a statement yields.
    pub async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await[0][0].parse().expect("a number")
    }
}

fn sqlite_rows(connection: &rusqlite::Connection, sql: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let text = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        _ => String::new(),
    };
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at).map(text)).collect())?;
    rows.collect()
}
