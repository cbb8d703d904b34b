//! Candidate B: a table for the records of each data table, with a typed column for each field and
//! plain indexes.

use crate::engine::Dialect;
use crate::layout::{Layout, Object, index_name, indexes};
use crate::sample::{ENVIRONMENT, FIELDS, Field, Kind, Record};
use crate::value::{Row, Value};
use anyhow::Result;

/// Columns that every record has; those of the fields follow.
const COLUMNS: &str = "key, id, owner, created_at, updated_at";
const COLUMNS_COUNT: usize = 5;

pub struct TableEach;

impl Layout for TableEach {
    fn name(&self) -> &'static str {
        "B"
    }

    fn create(&self, _: Dialect) -> String {
        String::new()
    }

    fn define(&self, dialect: Dialect, table: i64) -> String {
        let (key, int, text) = dialect.pick(
            ("INTEGER PRIMARY KEY", "INTEGER", "TEXT"),
            ("BIGINT PRIMARY KEY", "BIGINT", "TEXT COLLATE \"C\""),
        );
        let name = format!("records_{table}");
        let fields: String = FIELDS
            .iter()
            .map(|field| format!(", {} {}", field.column, column_type(dialect, field.kind)))
            .collect();
        format!(
            "CREATE TABLE {name} (key {key} NOT NULL, environment {int} NOT NULL, id {text}, owner {int},
                 created_at {int} NOT NULL, updated_at {int} NOT NULL{fields});
             CREATE INDEX {name}_created_at ON {name} (environment, created_at);
             CREATE UNIQUE INDEX {name}_id ON {name} (environment, id) WHERE id IS NOT NULL;
             CREATE INDEX {name}_owner ON {name} (owner) WHERE owner IS NOT NULL;
             {}",
            indexes(self, dialect, table)
        )
    }

    fn undefine(&self, _: Dialect, table: i64) -> String {
        format!("DROP TABLE records_{table}")
    }

    fn insert(&self, _: Dialect, table: i64) -> String {
        let places: Vec<String> = (1..=FIELDS.len() + 6).map(|number| format!("${number}")).collect();
        format!("INSERT INTO records_{table} VALUES ({})", places.join(", "))
    }

    fn row(&self, _: i64, record: &Record) -> Vec<Value> {
        let mut row = vec![
            record.key.into(),
            ENVIRONMENT.into(),
            record.id.clone().into(),
            record.owner.into(),
            record.created_at.into(),
            record.updated_at.into(),
        ];
        row.extend(record.values.iter().cloned());
        row
    }

    fn columns(&self, _: Dialect) -> String {
        FIELDS.iter().fold(COLUMNS.to_owned(), |columns, field| columns + ", " + field.column)
    }

    fn from(&self, table: i64) -> String {
        format!("records_{table} WHERE")
    }

    fn field(&self, _: Dialect, field: &Field) -> String {
        field.column.into()
    }

    fn object(&self, row: &Row<'_>) -> Result<Object> {
        let mut object = Object::new();
        object.insert("key".into(), row.some_int(0)?.into());
        object.insert("id".into(), row.text(1)?.into());
        object.insert("owner".into(), row.int(2)?.into());
        object.insert("createdAt".into(), row.some_int(3)?.into());
        object.insert("updatedAt".into(), row.some_int(4)?.into());
        for (place, field) in FIELDS.iter().enumerate() {
            let column = COLUMNS_COUNT + place;
            let value = match field.kind {
                Kind::Text | Kind::Decimal => row.text(column)?.into(),
                Kind::Number | Kind::Date | Kind::Reference => row.int(column)?.into(),
                Kind::Boolean => row.bool(column)?.into(),
            };
            object.insert(field.name.into(), value);
        }
        Ok(object)
    }

    fn add(&self, dialect: Dialect, table: i64, field: &Field) -> Option<String> {
        let kind = column_type(dialect, field.kind);
        Some(format!("ALTER TABLE records_{table} ADD COLUMN {} {kind}", field.column))
    }

    fn index(&self, _: Dialect, table: i64, field: &Field) -> String {
        format!(
            "CREATE INDEX {} ON records_{table} (environment, {})",
            index_name(table, field),
            field.column
        )
    }

    fn remove(&self, _: Dialect, table: i64, field: &Field) -> String {
        format!("ALTER TABLE records_{table} DROP COLUMN {}", field.column)
    }
}

fn column_type(dialect: Dialect, kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Decimal => dialect.pick("TEXT", "TEXT COLLATE \"C\""),
        Kind::Number | Kind::Date | Kind::Reference => dialect.pick("INTEGER", "BIGINT"),
        Kind::Boolean => dialect.pick("INTEGER", "BOOLEAN"),
    }
}
