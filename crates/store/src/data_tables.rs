//! Definitions of data tables, and the table of records under each.
//!
//! A data table's records lie in a table of their own, `records_N`, with a column for each field but
//! those that hold many references: see `docs/decisions/0007-one-table-for-each-data-table.md`. Its
//! name and those of its columns come from our own numbers and never from a caller.

use crate::dialect::Dialect;
use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::app::Mode;
use guildhall_domain::data_table::{AccessRules, ColumnKind, DataTable, Field, FieldKind};
use guildhall_domain::decimal::Decimal;
use guildhall_domain::ids::{AppId, DataTableId, FieldId};
use guildhall_domain::record::{FieldValue, value_of_kind};
use guildhall_domain::{EnvironmentId, Timestamp};
use serde_json::Value;

const LIST: &str =
    "SELECT number, id, key, name, create_rule, read_rule, update_rule, delete_rule, imported_ids,
    version, created_at, updated_at FROM data_tables WHERE app = $1 ORDER BY number";
const LIST_FIELDS: &str = "SELECT f.data_table, f.number, f.id, f.key, f.name, f.kind, f.required, f.is_unique,
    f.default_value, f.position, f.referenced_table FROM data_fields f JOIN data_tables t ON t.number = f.data_table
    WHERE t.app = $1 ORDER BY f.data_table, f.position NULLS LAST, f.number";
const INSERT: &str = "INSERT INTO data_tables (id, app, key, name, create_rule, read_rule, update_rule, delete_rule,
    imported_ids, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING number";
const UPDATE: &str =
    "UPDATE data_tables SET key = $1, name = $2, create_rule = $3, read_rule = $4, update_rule = $5,
    delete_rule = $6 WHERE number = $7";
const TOUCH: &str = "UPDATE data_tables SET version = version + 1, updated_at = $1 WHERE number = $2";
const NOTE_IMPORTED_IDS: &str =
    "UPDATE data_tables SET imported_ids = $1, version = version + 1 WHERE number = $2";
const DELETE: &str = "DELETE FROM data_tables WHERE number = $1";
const INSERT_FIELD: &str = "INSERT INTO data_fields (id, data_table, key, name, kind, required, is_unique,
    default_value, position, referenced_table, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    RETURNING number";
const UPDATE_FIELD: &str =
    "UPDATE data_fields SET key = $1, name = $2, kind = $3, required = $4, is_unique = $5,
    default_value = $6, position = $7 WHERE number = $8";
const DELETE_FIELD: &str = "DELETE FROM data_fields WHERE number = $1";
const INSERT_COUNTER: &str =
    "INSERT INTO record_counters (data_table, environment, last_sequence, records) VALUES ($1, $2, 0, 0)";
const COUNTERS: &str = "SELECT e.mode, c.records FROM record_counters c JOIN environments e
    ON e.number = c.environment WHERE c.data_table = $1";
const COUNTS: &str = "SELECT data_table, records FROM record_counters WHERE environment = $1";

/// Reached as `tx.data_tables()`.
pub struct DataTables<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl DataTables<'_> {
    /// An app's data tables with their fields, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self, app: &AppId) -> Result<Vec<DataTable>, StoreError> {
        let mut tables = self.tx.all(LIST, params![app.as_str()], |row| table_from_row(row, app)).await?;
        for (table, field) in self.tx.all(LIST_FIELDS, params![app.as_str()], field_from_row).await? {
            let owner = tables.iter_mut().find(|known| known.number == table);
            owner.ok_or_else(|| StoreError::corrupt("a field without its table"))?.fields.push(field);
        }
        Ok(tables)
    }

    /// Stores a new data table without fields and makes the table of its records. Returns its number.
    ///
    /// # Errors
    /// `Conflict(DataTableKey)` if the app has one with that key.
    pub async fn insert(
        &mut self,
        table: &DataTable,
        environments: &[EnvironmentId],
    ) -> Result<i64, StoreError> {
        let rules = rule_names(&table.rules);
        let values = params![
            table.id.as_str(),
            table.app.as_str(),
            &table.key,
            &table.name,
            rules[0],
            rules[1],
            rules[2],
            rules[3],
            table.imported_ids,
            table.version,
            table.created_at
        ];
        let number = self.tx.first(INSERT, values, |row| row.int(0)).await?;
        let number = number.ok_or_else(|| StoreError::corrupt("a table without a number"))?;
        for environment in environments {
            self.tx.execute(INSERT_COUNTER, params![number, *environment]).await?;
        }
        let sql = create_records(number, self.tx.dialect());
        self.tx.define(&sql).await?;
        Ok(number)
    }

    /// Stores key, name and rules of a data table.
    ///
    /// # Errors
    /// `Conflict(DataTableKey)` if another of the app has the key.
    pub async fn update(&mut self, table: &DataTable) -> Result<(), StoreError> {
        let rules = rule_names(&table.rules);
        let values = params![&table.key, &table.name, rules[0], rules[1], rules[2], rules[3], table.number];
        self.tx.execute(UPDATE, values).await.map(|_| ())
    }

    /// Says that a table, or what a view of it says, has changed: units of work that stand on the old
    /// view fail from now on, and those under way are waited for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touch(&mut self, number: i64, now: Timestamp) -> Result<(), StoreError> {
        self.tx.execute(TOUCH, params![now, number]).await.map(|_| ())
    }

    /// Notes that some records of a table carry ids from elsewhere.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_imported_ids(&mut self, number: i64) -> Result<(), StoreError> {
        self.tx.execute(NOTE_IMPORTED_IDS, params![true, number]).await.map(|_| ())
    }

    /// Keeps a table's definition as it is until this unit of work ends.
    ///
    /// # Errors
    /// [`StoreError::TableChanged`] if it is no longer what `table` says.
    pub async fn hold(&mut self, table: &DataTable) -> Result<(), StoreError> {
        let share = self.tx.dialect().for_share();
        let sql = format!("SELECT version FROM data_tables WHERE number = $1{share}");
        match self.tx.first(&sql, params![table.number], |row| row.int(0)).await? {
            Some(version) if version == table.version => Ok(()),
            _ => Err(StoreError::TableChanged),
        }
    }

    /// Deletes a data table with all its records and links. The fields of other tables must not point
    /// at it any more.
    ///
    /// # Errors
    /// `Conflict(Reference)` if fields of other tables point at it.
    pub async fn delete(&mut self, table: &DataTable) -> Result<(), StoreError> {
        for field in &table.fields {
            self.tx.execute(DELETE_FIELD, params![field.number]).await?;
        }
        self.tx.execute(DELETE, params![table.number]).await?;
        self.tx.define(&format!("DROP TABLE records_{}", table.number)).await
    }

    /// Stores a new field and makes its column. Returns its number.
    ///
    /// # Errors
    /// `Conflict(FieldKey)` if the table has one with that key.
    pub async fn insert_field(
        &mut self,
        table: i64,
        field: &Field,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let default = field.default.as_ref().map(default_text);
        let values = params![
            field.id.as_str(),
            table,
            &field.key,
            &field.name,
            field.kind.as_str(),
            field.required,
            field.unique,
            default.as_deref(),
            field.position,
            field.referenced_table,
            now
        ];
        let number = self.tx.first(INSERT_FIELD, values, |row| row.int(0)).await?;
        let number = number.ok_or_else(|| StoreError::corrupt("a field without a number"))?;
        let dialect = self.tx.dialect();
        let named = Field { number, ..field.clone() };
        for sql in add_column(table, &named, dialect).into_iter().chain(create_index(table, &named, dialect))
        {
            self.tx.define(&sql).await?;
        }
        Ok(number)
    }

    /// Stores what may change of a field, and makes its index anew if that is another one now.
    ///
    /// # Errors
    /// `Conflict(FieldKey)` if another field of the table has the key; `Conflict(RecordField)` if it
    /// is to be unique and records share a value.
    pub async fn update_field(&mut self, table: i64, old: &Field, new: &Field) -> Result<(), StoreError> {
        let default = new.default.as_ref().map(default_text);
        let values = params![
            &new.key,
            &new.name,
            new.kind.as_str(),
            new.required,
            new.unique,
            default.as_deref(),
            new.position,
            new.number
        ];
        self.tx.execute(UPDATE_FIELD, values).await?;
        let dialect = self.tx.dialect();
        let (had, has) = (create_index(table, old, dialect), create_index(table, new, dialect));
        if had == has {
            return Ok(());
        }
        if had.is_some() {
            self.tx.define(&format!("DROP INDEX records_{table}_f{}", old.number)).await?;
        }
        match has {
            Some(sql) => self.tx.define(&sql).await,
            None => Ok(()),
        }
    }

    /// Deletes a field with its values.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_field(&mut self, table: i64, field: &Field) -> Result<(), StoreError> {
        self.tx.execute(DELETE_FIELD, params![field.number]).await?;
        let number = field.number;
        if create_index(table, field, self.tx.dialect()).is_some() {
            self.tx.define(&format!("DROP INDEX records_{table}_f{number}")).await?;
        }
        if field.kind.column().is_some() {
            self.tx.define(&format!("ALTER TABLE records_{table} DROP COLUMN f{number}")).await?;
        }
        if field.kind.is_text() {
            self.tx.define(&format!("ALTER TABLE records_{table} DROP COLUMN f{number}_fold")).await?;
        }
        Ok(())
    }

    /// How many records a data table has in live and in the sandbox.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_counts(&mut self, number: i64) -> Result<(i64, i64), StoreError> {
        let count = |row: &Row<'_>| Ok((row.parsed(0, |text| text.parse::<Mode>().ok())?, row.int(1)?));
        let counts = self.tx.all(COUNTERS, params![number], count).await?;
        let of = |mode| counts.iter().filter(|(known, _)| *known == mode).map(|(_, count)| count).sum();
        Ok((of(Mode::Live), of(Mode::Sandbox)))
    }

    /// How many records each data table has in an environment, by the table's number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counts(&mut self, environment: EnvironmentId) -> Result<Vec<(i64, i64)>, StoreError> {
        self.tx.all(COUNTS, params![environment], |row| Ok((row.int(0)?, row.int(1)?))).await
    }

    /// Whether some record has no value in a field, whichever its environment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_gaps(&mut self, table: i64, field: &Field) -> Result<bool, StoreError> {
        let number = field.number;
        let sql = match field.kind.column() {
            Some(_) => format!("SELECT 1 FROM records_{table} r WHERE r.f{number} IS NULL LIMIT 1"),
            None => format!(
                "SELECT 1 FROM records_{table} r WHERE NOT EXISTS
                (SELECT 1 FROM record_links l WHERE l.field = {number} AND l.record = r.key) LIMIT 1"
            ),
        };
        Ok(self.tx.first(&sql, params![], |_| Ok(())).await?.is_some())
    }

    /// Whether some text in a field has more characters than this.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_longer(&mut self, table: i64, field: &Field, chars: i64) -> Result<bool, StoreError> {
        let sql =
            format!("SELECT 1 FROM records_{table} r WHERE length(r.f{}) > {chars} LIMIT 1", field.number);
        Ok(self.tx.first(&sql, params![], |_| Ok(())).await?.is_some())
    }
}

/// The table of a data table's records. `id` is there only for ids that came from elsewhere.
fn create_records(number: i64, dialect: Dialect) -> String {
    let integer = dialect.column_type(ColumnKind::Integer);
    let (text, tail) = (dialect.column_type(ColumnKind::Text), dialect.index_tail());
    format!(
        "CREATE TABLE records_{number} (key {integer} PRIMARY KEY NOT NULL, environment {integer} NOT NULL,
            id {text}, owner {integer}, created_at {integer} NOT NULL, updated_at {integer} NOT NULL);
        CREATE UNIQUE INDEX records_{number}_id ON records_{number} (environment, id) WHERE id IS NOT NULL;
        CREATE INDEX records_{number}_owner ON records_{number} (owner{tail}) WHERE owner IS NOT NULL;
        CREATE INDEX records_{number}_created_at ON records_{number} (environment, created_at{tail});"
    )
}

/// The columns of a field. Beside a text stands its folded form where that differs, for comparisons
/// that ignore case: the engines fold differently, and not all of Unicode.
fn add_column(table: i64, field: &Field, dialect: Dialect) -> Vec<String> {
    let number = field.number;
    let Some(kind) = field.kind.column() else {
        return Vec::new();
    };
    let column = dialect.column_type(kind);
    let mut statements = vec![format!("ALTER TABLE records_{table} ADD COLUMN f{number} {column}")];
    if field.kind.is_text() {
        statements.push(format!("ALTER TABLE records_{table} ADD COLUMN f{number}_fold {column}"));
    }
    statements
}

fn create_index(table: i64, field: &Field, dialect: Dialect) -> Option<String> {
    let number = field.number;
    let (unique, tail) = match field.unique {
        true => ("UNIQUE ", ""),
        false => ("", dialect.index_tail()),
    };
    field.kind.is_indexed().then(|| {
        format!(
            "CREATE {unique}INDEX records_{table}_f{number} ON records_{table} (environment, f{number}{tail})"
        )
    })
}

fn rule_names(rules: &AccessRules) -> [&'static str; 4] {
    [rules.create, rules.read, rules.update, rules.delete].map(|rule| rule.as_str())
}

/// A default as JSON, as a caller would write it.
fn default_text(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => Value::from(text.as_str()),
        FieldValue::Number(number) => Value::from(*number),
        FieldValue::Decimal(decimal) => Value::from(decimal.to_string()),
        FieldValue::Boolean(truth) => Value::from(*truth),
        FieldValue::Date(moment) => Value::from(moment.to_iso()),
        FieldValue::Reference { .. } => Value::Null,
    }
    .to_string()
}

fn default_from_text(kind: FieldKind, text: &str) -> Result<FieldValue, StoreError> {
    let value: Option<Value> = serde_json::from_str(text).ok();
    let value = match (kind, &value) {
        (FieldKind::Decimal, Some(Value::String(text))) => Decimal::parse(text).map(FieldValue::Decimal),
        (kind, Some(value)) => value_of_kind(kind, value),
        (_, None) => None,
    };
    value.ok_or_else(|| StoreError::corrupt("a field's default value"))
}

fn table_from_row(row: &Row<'_>, app: &AppId) -> Result<DataTable, StoreError> {
    let rule = |column| row.parsed(column, |text| text.parse().ok());
    Ok(DataTable {
        number: row.int(0)?,
        id: DataTableId::from_text(row.text(1)?),
        app: app.clone(),
        key: row.string(2)?,
        name: row.string(3)?,
        rules: AccessRules { create: rule(4)?, read: rule(5)?, update: rule(6)?, delete: rule(7)? },
        imported_ids: row.bool(8)?,
        version: row.int(9)?,
        fields: Vec::new(),
        created_at: row.time(10)?,
        updated_at: row.opt_time(11)?,
    })
}

fn field_from_row(row: &Row<'_>) -> Result<(i64, Field), StoreError> {
    let kind: FieldKind = row.parsed(5, |text| text.parse().ok())?;
    let default = row.opt_text(8)?.map(|text| default_from_text(kind, text)).transpose()?;
    let field = Field {
        number: row.int(1)?,
        id: FieldId::from_text(row.text(2)?),
        key: row.string(3)?,
        name: row.string(4)?,
        kind,
        required: row.bool(6)?,
        unique: row.bool(7)?,
        default,
        position: row.opt_int(9)?,
        referenced_table: row.opt_int(10)?,
    };
    Ok((row.int(0)?, field))
}
