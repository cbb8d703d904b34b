//! The columns of a record in a statement, and reading a row of them.

use super::RecordPlace;
use crate::driver::Row;
use crate::error::StoreError;
use crate::statement::Statement;
use guildhall_domain::data_table::{Field, FieldKind};
use guildhall_domain::decimal::Decimal;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::record::{FieldValue, Record};
use guildhall_domain::record_id::RecordKey;

/// What a statement reads of each record, and in which order.
pub(super) struct Columns<'a> {
    place: RecordPlace<'a>,
    fields: Vec<&'a Field>,
    owner_id: bool,
}

impl<'a> Columns<'a> {
    pub(super) fn of(place: &RecordPlace<'a>, select: Option<&[i64]>, owner_id: bool) -> Self {
        let wanted = |field: &&Field| {
            let chosen = select.is_none_or(|chosen| chosen.contains(&field.number));
            chosen && field.kind.column().is_some()
        };
        Self { place: *place, fields: place.table.fields.iter().filter(wanted).collect(), owner_id }
    }

    /// Appends `SELECT … FROM records_N r`.
    pub(super) fn write(&self, sql: &mut Statement) {
        self.write_list(sql);
        sql.push(" FROM records_").number(self.place.table.number).push(" r");
    }

    pub(super) fn write_list(&self, sql: &mut Statement) {
        sql.push("SELECT r.key, r.owner, r.created_at, r.updated_at");
        if self.place.table.imported_ids {
            sql.push(", r.id");
        }
        if self.owner_id {
            sql.push(", (SELECT m.id FROM members m WHERE m.key = r.owner)");
        }
        for field in &self.fields {
            sql.push(", r.f").number(field.number);
            match field.referenced_table {
                Some(table) if self.place.has_imported_ids(table) => {
                    sql.push(", (SELECT t.id FROM records_").number(table);
                    sql.push(" t WHERE t.key = r.f").number(field.number).push(")");
                }
                None if field.kind == FieldKind::MemberReference => {
                    sql.push(", (SELECT m.id FROM members m WHERE m.key = r.f")
                        .number(field.number)
                        .push(")");
                }
                _ => {}
            }
        }
    }

    /// Reads a row of such a statement.
    pub(super) fn record(&self, row: &Row<'_>) -> Result<Record, StoreError> {
        let mut reader = RowReader { row, column: 0 };
        let key = RecordKey::from_stored(row.int(reader.next())?);
        let owner = row.opt_int(reader.next())?.map(MemberKey::from_stored);
        let (created_at, updated_at) = (row.time(reader.next())?, row.time(reader.next())?);
        let imported = if self.place.table.imported_ids { row.opt_string(reader.next())? } else { None };
        let owner_id = if self.owner_id { row.opt_string(reader.next())? } else { None };
        let values = self.fields.iter().map(|field| Ok((field.number, self.value(&mut reader, field)?)));
        Ok(Record {
            key,
            id: imported.unwrap_or_else(|| self.place.codecs.records.seal(self.place.table.number, key)),
            owner,
            owner_id,
            created_at,
            updated_at,
            values: values.collect::<Result<_, StoreError>>()?,
        })
    }

    fn value(&self, reader: &mut RowReader<'_>, field: &Field) -> Result<Option<FieldValue>, StoreError> {
        let (row, column) = (reader.row, reader.next());
        Ok(match field.kind {
            FieldKind::Number => row.opt_int(column)?.map(FieldValue::Number),
            FieldKind::Date => row.opt_time(column)?.map(FieldValue::Date),
            FieldKind::Boolean => row.opt_bool(column)?.map(FieldValue::Boolean),
            FieldKind::Decimal => match row.opt_text(column)? {
                None => None,
                Some(text) => Some(FieldValue::Decimal(
                    Decimal::from_stored(text).ok_or_else(|| StoreError::corrupt("a stored decimal"))?,
                )),
            },
            FieldKind::MemberReference => {
                let id = row.opt_string(reader.next())?;
                // A member that is gone is no member, should the reference ever outlive it.
                row.opt_int(column)?.zip(id).map(|(key, id)| FieldValue::Reference { key, id })
            }
            FieldKind::Reference => {
                let table =
                    field.referenced_table.ok_or_else(|| StoreError::corrupt("a reference to no table"))?;
                let imported = match self.place.has_imported_ids(table) {
                    true => row.opt_string(reader.next())?,
                    false => None,
                };
                row.opt_int(column)?.map(|key| {
                    let sealed = || self.place.codecs.records.seal(table, RecordKey::from_stored(key));
                    FieldValue::Reference { key, id: imported.unwrap_or_else(sealed) }
                })
            }
            _ => row.opt_string(column)?.map(FieldValue::Text),
        })
    }
}

/// Goes through the columns of a row, one after the other.
struct RowReader<'r> {
    row: &'r Row<'r>,
    column: usize,
}

impl RowReader<'_> {
    fn next(&mut self) -> usize {
        self.column += 1;
        self.column - 1
    }
}
