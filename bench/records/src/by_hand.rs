//! The same questions as somebody would write them who knows the table: prepared statements over the
//! same rows and indexes, each row made an object and the whole a body of JSON.

use crate::Outcome;
use crate::setting::Table;
use guildhall_domain::Timestamp;
use guildhall_domain::decimal::Decimal;
use serde_json::{Value, json};
use std::path::Path;

/// A connection to either engine.
pub enum Hand {
    /// The file, opened for reading with the same settings that Guildhall reads with.
    Sqlite(rusqlite::Connection),
    /// One connection.
    Postgres(tokio_postgres::Client),
}

/// Opens it.
pub async fn open(engine: &str, place: &str) -> Outcome<Hand> {
    if engine == "sqlite" {
        let connection = rusqlite::Connection::open(Path::new(place).join("guildhall.db"))?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2048; PRAGMA mmap_size = 17179869184")?;
        return Ok(Hand::Sqlite(connection));
    }
    let (client, connection) = tokio_postgres::connect(place, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(Hand::Postgres(client))
}

/// A value for a placeholder.
enum Bound<'a> {
    Int(i64),
    Text(&'a str),
}

impl Hand {
    /// One record.
    pub async fn point(&mut self, table: &Table, key: i64) -> Outcome<Vec<u8>> {
        let sql = format!("{} WHERE key = $1", select(table));
        let mut rows = self.rows(&sql, &[Bound::Int(key)]).await?;
        Ok(rows.pop().ok_or("no such record")?.to_string().into_bytes())
    }

    /// From a number on.
    pub async fn range_by_number(&mut self, table: &Table, from: i64) -> Outcome<Vec<u8>> {
        let n = table.fields[2];
        let sql = format!(
            "{} WHERE environment = $1 AND f{n} >= $2 ORDER BY f{n} ASC NULLS LAST, key ASC LIMIT 51",
            select(table)
        );
        self.page(&sql, &[Bound::Int(table.environment), Bound::Int(from)]).await
    }

    /// Up to a decimal, largest first.
    pub async fn range_by_decimal(&mut self, table: &Table, to: i64) -> Outcome<Vec<u8>> {
        let score = table.fields[3];
        let to = Decimal::parse(&to.to_string()).ok_or("no decimal")?.to_stored();
        let sql = format!(
            "{} WHERE environment = $1 AND f{score} <= $2 ORDER BY f{score} DESC NULLS FIRST, key DESC LIMIT 51",
            select(table)
        );
        self.page(&sql, &[Bound::Int(table.environment), Bound::Text(&to)]).await
    }

    /// Of one city.
    pub async fn equal_text(&mut self, table: &Table, city: &str) -> Outcome<Vec<u8>> {
        let sql = format!(
            "{} WHERE environment = $1 AND f{} = $2 ORDER BY key LIMIT 51",
            select(table),
            table.fields[1]
        );
        self.page(&sql, &[Bound::Int(table.environment), Bound::Text(city)]).await
    }

    /// The newest.
    pub async fn newest(&mut self, table: &Table) -> Outcome<Vec<u8>> {
        let sql =
            format!("{} WHERE environment = $1 ORDER BY created_at DESC, key DESC LIMIT 51", select(table));
        self.page(&sql, &[Bound::Int(table.environment)]).await
    }

    async fn page(&mut self, sql: &str, values: &[Bound<'_>]) -> Outcome<Vec<u8>> {
        let mut rows = self.rows(sql, values).await?;
        rows.truncate(50);
        Ok(Value::Array(rows).to_string().into_bytes())
    }

    async fn rows(&mut self, sql: &str, values: &[Bound<'_>]) -> Outcome<Vec<Value>> {
        match self {
            Hand::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                for (index, value) in values.iter().enumerate() {
                    match value {
                        Bound::Int(value) => statement.raw_bind_parameter(index + 1, value)?,
                        Bound::Text(value) => statement.raw_bind_parameter(index + 1, value)?,
                    }
                }
                let mut found = Vec::new();
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next()? {
                    found.push(object(
                        row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?,
                        row.get(7)?, row.get(8)?, row.get(9)?,
                    )?);
                }
                Ok(found)
            }
            Hand::Postgres(client) => {
                let statement = prepared(client, sql).await?;
                let values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = values
                    .iter()
                    .map(|value| match value {
                        Bound::Int(value) => value as _,
                        Bound::Text(value) => value as _,
                    })
                    .collect();
                let rows = client.query(&statement, &values).await?;
                let read = |row: &tokio_postgres::Row| {
                    object(
                        row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?,
                        row.try_get(5)?, row.try_get(6)?, row.try_get(7)?, row.try_get(8)?, row.try_get(9)?,
                    )
                };
                rows.iter().map(read).collect()
            }
        }
    }
}

/// Statements are prepared once, as anybody would.
async fn prepared(client: &tokio_postgres::Client, sql: &str) -> Outcome<tokio_postgres::Statement> {
    use std::collections::HashMap;
    use std::sync::Mutex;
    static KEPT: Mutex<Option<HashMap<String, tokio_postgres::Statement>>> = Mutex::new(None);
    let known = KEPT.lock().map_err(|_| "poisoned")?.get_or_insert_default().get(sql).cloned();
    if let Some(statement) = known {
        return Ok(statement);
    }
    let statement = client.prepare(sql).await?;
    KEPT.lock().map_err(|_| "poisoned")?.get_or_insert_default().insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

fn select(table: &Table) -> String {
    let columns: Vec<_> = table.fields.iter().map(|field| format!("f{field}")).collect();
    format!("SELECT key, created_at, updated_at, {} FROM records_{}", columns.join(", "), table.number)
}

#[expect(clippy::too_many_arguments, reason = "they are the columns of a row")]
fn object(
    key: i64,
    created_at: i64,
    updated_at: i64,
    name: Option<String>,
    city: Option<String>,
    n: Option<i64>,
    score: Option<String>,
    active: Option<bool>,
    due: Option<i64>,
    about: Option<String>,
) -> Outcome<Value> {
    let iso = |micros: i64| Timestamp::from_micros(micros).to_iso();
    let score = score.as_deref().and_then(Decimal::from_stored).map(|score| score.to_string());
    let score: Option<serde_json::Number> = score.map(|score| serde_json::from_str(&score)).transpose()?;
    Ok(json!({
        "internalOrder": key & ((1 << 40) - 1), "createdAt": iso(created_at), "updatedAt": iso(updated_at),
        "data": { "name": name, "city": city, "n": n, "score": score, "active": active, "due": due.map(iso), "about": about },
    }))
}
