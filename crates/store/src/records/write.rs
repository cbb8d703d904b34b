//! Writing records, and clearing what points at what is deleted.

use super::{RecordPlace, Records};
use crate::driver::params;
use crate::error::StoreError;
use crate::filter::stored;
use crate::statement::{Bound, Statement};
use guildhall_domain::data_table::{DataTable, Field};
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::record::FieldValue;
use guildhall_domain::record_id::RecordKey;
use guildhall_domain::text::fold;
use guildhall_domain::{EnvironmentId, Timestamp};

const NEXT_PLACES: &str =
    "UPDATE record_counters SET last_sequence = last_sequence + $1, records = records + $2
    WHERE data_table = $3 AND environment = $4 RETURNING last_sequence";
const DISMISS: &str =
    "UPDATE record_counters SET records = records - 1 WHERE data_table = $1 AND environment = $2";
const UNLINK_RECORD: &str = "DELETE FROM record_links WHERE field = $1 AND record = $2";
const UNLINK_TARGET: &str = "DELETE FROM record_links WHERE field = $1 AND target = $2";

/// Field numbers and their new values.
pub type Values = Vec<(i64, Option<FieldValue>)>;

/// What a record is stored with at first.
pub struct NewRecord {
    /// Its place, from [`Records::next_places`].
    pub key: RecordKey,
    /// Its id, if that came from elsewhere.
    pub imported_id: Option<String>,
    /// The member it belongs to.
    pub owner: Option<MemberKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Its values; fields that are not named have none.
    pub values: Values,
}

impl Records<'_> {
    /// Takes places for new records, and counts records that are about to be stored: as many, but for
    /// those that go back to a place they had. Returns the first place.
    ///
    /// # Errors
    /// [`StoreError::TableChanged`] if the table is gone.
    pub async fn next_places(
        &mut self,
        place: &RecordPlace<'_>,
        places: i64,
        records: i64,
    ) -> Result<RecordKey, StoreError> {
        let environment = place.environment.id;
        let values = params![places, records, place.table.number, environment];
        let last = self.tx.first(NEXT_PLACES, values, |row| row.int(0)).await?;
        let last = last.ok_or(StoreError::TableChanged)?;
        Ok(RecordKey::new(environment, last - places + 1))
    }

    /// Stores a new record.
    ///
    /// # Errors
    /// `Conflict(RecordField)` if another record has a value that must be unique;
    /// `Conflict(RecordImportedId)` if one has the id.
    pub async fn insert(&mut self, place: &RecordPlace<'_>, new: &NewRecord) -> Result<(), StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        // Always all columns, so that the statement has one form and stays prepared.
        let fields: Vec<_> =
            place.table.fields.iter().filter(|field| field.kind.column().is_some()).collect();
        sql.push("INSERT INTO records_").number(place.table.number);
        sql.push(" (key, environment, id, owner, created_at, updated_at");
        for field in &fields {
            sql.push(", f").number(field.number);
            if field.kind.is_text() {
                sql.push(", f").number(field.number).push("_fold");
            }
        }
        sql.push(") VALUES (").bind(new.key.stored()).push(", ").bind(place.environment.id.stored());
        sql.push(", ").bind(new.imported_id.clone().map_or(Bound::Null, Bound::Text));
        sql.push(", ").bind(new.owner.map_or(Bound::Null, |owner| Bound::Int(owner.stored())));
        sql.push(", ").bind(new.created_at.micros()).push(", ").bind(new.updated_at.micros());
        for field in &fields {
            let value = new.values.iter().find(|(number, _)| *number == field.number);
            let value = value.and_then(|(_, value)| value.as_ref());
            sql.push(", ").bind(value.map_or(Bound::Null, stored));
            if field.kind.is_text() {
                sql.push(", ").bind(folded(value));
            }
        }
        sql.push(")");
        self.tx.execute(sql.sql(), &sql.params()).await.map(|_| ())
    }

    /// Stores new values of a record. False if there is none at this place.
    ///
    /// # Errors
    /// `Conflict(RecordField)` if another record has a value that must be unique.
    pub async fn update(
        &mut self,
        place: &RecordPlace<'_>,
        key: RecordKey,
        values: &Values,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut sql = Statement::new(self.tx.dialect());
        sql.push("UPDATE records_").number(place.table.number).push(" SET updated_at = ").bind(now.micros());
        for (number, value) in values {
            sql.push(", f").number(*number).push(" = ").bind(value.as_ref().map_or(Bound::Null, stored));
            if place.table.field_numbered(*number).is_some_and(|field| field.kind.is_text()) {
                sql.push(", f").number(*number).push("_fold = ").bind(folded(value.as_ref()));
            }
        }
        sql.push(" WHERE key = ").bind(key.stored());
        self.tx.execute(sql.sql(), &sql.params()).await.map(|rows| rows == 1)
    }

    /// Deletes a record with its links, and clears what points at it. False if there is none at this
    /// place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&mut self, place: &RecordPlace<'_>, key: RecordKey) -> Result<bool, StoreError> {
        let table = place.table.number;
        let sql = format!("DELETE FROM records_{table} WHERE key = $1");
        if self.tx.execute(&sql, params![key]).await? == 0 {
            return Ok(false);
        }
        self.tx.execute(DISMISS, params![table, place.environment.id]).await?;
        for field in place.table.fields.iter().filter(|field| field.kind.is_many()) {
            self.tx.execute(UNLINK_RECORD, params![field.number, key]).await?;
        }
        for (owner, field) in relations(place.tables) {
            if field.referenced_table == Some(table) {
                self.clear(owner, field, place.environment.id, key.stored()).await?;
            }
        }
        Ok(true)
    }

    /// Takes a member out of a table's records: as owner, and wherever it is pointed at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_member(
        &mut self,
        table: &DataTable,
        environment: EnvironmentId,
        member: MemberKey,
    ) -> Result<(), StoreError> {
        let sql = format!("UPDATE records_{} SET owner = NULL WHERE owner = $1", table.number);
        self.tx.execute(&sql, params![member]).await?;
        for field in table.fields.iter().filter(|field| field.kind.points_at_members()) {
            self.clear(table, field, environment, member.stored()).await?;
        }
        Ok(())
    }

    /// Clears one field wherever it points at a key.
    async fn clear(
        &mut self,
        owner: &DataTable,
        field: &Field,
        environment: EnvironmentId,
        target: i64,
    ) -> Result<(), StoreError> {
        let number = field.number;
        if field.kind.is_many() {
            return self.tx.execute(UNLINK_TARGET, params![number, target]).await.map(|_| ());
        }
        let table = owner.number;
        let sql =
            format!("UPDATE records_{table} SET f{number} = NULL WHERE environment = $1 AND f{number} = $2");
        self.tx.execute(&sql, params![environment, target]).await.map(|_| ())
    }
}

/// Every field that points at something, with its table.
fn relations(tables: &[DataTable]) -> impl Iterator<Item = (&DataTable, &Field)> {
    tables.iter().flat_map(|table| {
        let relations = table.fields.iter().filter(|field| field.kind.is_relation());
        relations.map(move |field| (table, field))
    })
}

/// The folded form, where it differs from the text itself.
fn folded(value: Option<&FieldValue>) -> Bound {
    match value {
        Some(FieldValue::Text(text)) => {
            Some(fold(text)).filter(|form| form != text).map_or(Bound::Null, Bound::Text)
        }
        _ => Bound::Null,
    }
}
