//! Candidate A: one table for the records of all data tables. Their fields lie in a JSON document,
//! keyed by the fields' numbers so that a field can be renamed; each indexed field has a partial
//! index on an expression.

use crate::engine::Dialect;
use crate::layout::{Layout, Object, index_name, indexes};
use crate::sample::{ENVIRONMENT, FIELDS, Field, Kind, Record};
use crate::value::{Row, Value};
use anyhow::{Result, bail};
use serde_json::Value as Json;

pub struct OneTable;

impl Layout for OneTable {
    fn name(&self) -> &'static str {
        "A"
    }

    fn create(&self, dialect: Dialect) -> String {
        let (key, int, text, document) = dialect.pick(
            ("INTEGER PRIMARY KEY", "INTEGER", "TEXT", "TEXT"),
            ("BIGINT PRIMARY KEY", "BIGINT", "TEXT COLLATE \"C\"", "JSONB"),
        );
        format!(
            "CREATE TABLE records (key {key} NOT NULL, data_table {int} NOT NULL, environment {int} NOT NULL,
                 id {text}, owner {int}, created_at {int} NOT NULL, updated_at {int} NOT NULL,
                 document {document} NOT NULL);
             CREATE INDEX records_created_at ON records (data_table, environment, created_at);
             CREATE UNIQUE INDEX records_id ON records (data_table, environment, id) WHERE id IS NOT NULL;
             CREATE INDEX records_owner ON records (data_table, owner) WHERE owner IS NOT NULL"
        )
    }

    fn define(&self, dialect: Dialect, table: i64) -> String {
        let indexes = indexes(self, dialect, table);
        let statistics = indexed().map(|field| {
            format!(
                ";\nCREATE STATISTICS {} ON ({}) FROM records",
                index_name(table, field),
                self.field(dialect, field)
            )
        });
        // PostgreSQL keeps statistics of an expression for its partial index, but does not use them.
        dialect.pick(indexes.clone(), indexes + &statistics.collect::<String>())
    }

    fn undefine(&self, dialect: Dialect, table: i64) -> String {
        let dropped: String = indexed()
            .map(|field| {
                let name = index_name(table, field);
                let statistics = dialect.pick(String::new(), format!("DROP STATISTICS {name};\n"));
                format!("{statistics}DROP INDEX {name};\n")
            })
            .collect();
        format!("{dropped}DELETE FROM records WHERE data_table = {table}")
    }

    fn insert(&self, dialect: Dialect, _: i64) -> String {
        let document = dialect.pick("$8", "CAST(CAST($8 AS TEXT) AS JSONB)");
        format!("INSERT INTO records VALUES ($1, $2, $3, $4, $5, $6, $7, {document})")
    }

    fn row(&self, table: i64, record: &Record) -> Vec<Value> {
        let document: Object = FIELDS
            .iter()
            .zip(&record.values)
            .filter(|(_, value)| !matches!(value, Value::Null))
            .map(|(field, value)| (field.column.to_owned(), value.json()))
            .collect();
        vec![
            record.key.into(),
            table.into(),
            ENVIRONMENT.into(),
            record.id.clone().into(),
            record.owner.into(),
            record.created_at.into(),
            record.updated_at.into(),
            Json::Object(document).to_string().into(),
        ]
    }

    fn columns(&self, dialect: Dialect) -> String {
        let document = dialect.pick("document", "CAST(document AS TEXT)");
        format!("key, id, owner, created_at, updated_at, {document}")
    }

    fn from(&self, table: i64) -> String {
        // Not a parameter: a partial index is taken only if its condition is seen to hold.
        format!("records WHERE data_table = {table} AND")
    }

    fn field(&self, dialect: Dialect, field: &Field) -> String {
        let text = format!("(document ->> '{}')", field.column);
        match (dialect, field.kind) {
            (Dialect::Sqlite, Kind::Text | Kind::Decimal) => text,
            (Dialect::Sqlite, _) => format!("CAST({text} AS INTEGER)"),
            (Dialect::Postgres, Kind::Text | Kind::Decimal) => format!("({text} COLLATE \"C\")"),
            (Dialect::Postgres, Kind::Boolean) => format!("CAST({text} AS BOOLEAN)"),
            (Dialect::Postgres, _) => format!("CAST({text} AS BIGINT)"),
        }
    }

    fn object(&self, row: &Row<'_>) -> Result<Object> {
        let Json::Object(mut document) = serde_json::from_str(row.some_text(5)?)? else {
            bail!("a document is not an object");
        };
        let mut object = Object::new();
        object.insert("key".into(), row.some_int(0)?.into());
        object.insert("id".into(), row.text(1)?.into());
        object.insert("owner".into(), row.int(2)?.into());
        object.insert("createdAt".into(), row.some_int(3)?.into());
        object.insert("updatedAt".into(), row.some_int(4)?.into());
        for field in &FIELDS {
            object.insert(field.name.into(), document.remove(field.column).unwrap_or_default());
        }
        Ok(object)
    }

    fn add(&self, _: Dialect, _: i64, _: &Field) -> Option<String> {
        None
    }

    fn index(&self, dialect: Dialect, table: i64, field: &Field) -> String {
        format!(
            "CREATE INDEX {} ON records (environment, ({})) WHERE data_table = {table}",
            index_name(table, field),
            self.field(dialect, field)
        )
    }

    fn remove(&self, dialect: Dialect, table: i64, field: &Field) -> String {
        let column = field.column;
        let rest =
            dialect.pick(format!("json_remove(document, '$.{column}')"), format!("document - '{column}'"));
        format!("UPDATE records SET document = {rest} WHERE data_table = {table}")
    }
}

fn indexed() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.indexed)
}
