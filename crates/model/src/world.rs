//! What there is: tables, their records, and members.

use guildhall_domain::Timestamp;
use guildhall_domain::data_table::{DataTable, Field, numbered};
use guildhall_domain::record::FieldValue;
use std::collections::{BTreeMap, BTreeSet};

/// One environment of one app.
#[derive(Clone, Debug)]
pub struct World {
    /// Its tables.
    pub tables: Vec<DataTable>,
    /// Their records, by the table's number.
    pub shelves: BTreeMap<i64, Shelf>,
    /// Its members, by their number.
    pub members: BTreeMap<i64, Member>,
    /// What time it is.
    pub now: Timestamp,
}

/// The records of one table.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// The last number that was given.
    pub last: i64,
    /// The records by their number, which is their `internalOrder`.
    pub rows: BTreeMap<i64, Row>,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number in its table.
    pub number: i64,
    /// The number of the member that it belongs to.
    pub owner: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Values by field number. A reference's `key` is the number of what it points at.
    pub values: BTreeMap<i64, FieldValue>,
    /// What the fields of many references point at, by field number.
    pub links: BTreeMap<i64, BTreeSet<i64>>,
}

/// One member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its address.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The model's id of a record.
pub fn record_id(table: i64, number: i64) -> String {
    format!("model-r{table}-{number}")
}

/// The model's id of a member.
pub fn member_id(number: i64) -> String {
    format!("model-m{number}")
}

impl World {
    /// These tables without records, and no members.
    pub fn new(tables: Vec<DataTable>, now: Timestamp) -> Self {
        Self { tables, shelves: BTreeMap::new(), members: BTreeMap::new(), now }
    }

    /// The table with this number.
    ///
    /// # Panics
    /// If there is none.
    pub fn table(&self, number: i64) -> &DataTable {
        numbered(&self.tables, number).expect("the table is there")
    }

    /// The records of a table.
    pub fn shelf(&mut self, table: i64) -> &mut Shelf {
        self.shelves.entry(table).or_default()
    }

    /// The records of a table, by number.
    pub fn rows(&self, table: i64) -> impl DoubleEndedIterator<Item = &Row> {
        self.shelves.get(&table).into_iter().flat_map(|shelf| shelf.rows.values())
    }

    /// A record.
    pub fn row(&self, table: i64, number: i64) -> Option<&Row> {
        self.shelves.get(&table)?.rows.get(&number)
    }

    /// The number of the record that an id names, if it is there.
    pub(crate) fn find_record(&self, table: i64, id: &str) -> Option<i64> {
        self.rows(table).map(|row| row.number).find(|number| record_id(table, *number) == id)
    }

    /// The number of the member that an id names, if it is there.
    pub(crate) fn find_member(&self, id: &str) -> Option<i64> {
        self.members.keys().copied().find(|number| member_id(*number) == id)
    }

    /// The number of what an id names, as this field points at it.
    pub(crate) fn find_target(&self, field: &Field, id: &str) -> Option<i64> {
        match field.referenced_table {
            Some(table) => self.find_record(table, id),
            None => self.find_member(id),
        }
    }

    /// The id of what a field of this kind of reference points at.
    pub(crate) fn target_id(referenced_table: Option<i64>, number: i64) -> String {
        referenced_table.map_or_else(|| member_id(number), |table| record_id(table, number))
    }
}

impl Row {
    /// What a field that holds one reference points at.
    pub(crate) fn target(&self, field: i64) -> Option<i64> {
        match self.values.get(&field) {
            Some(FieldValue::Reference { key, .. }) => Some(*key),
            _ => None,
        }
    }

    /// What a field that holds many references points at.
    pub(crate) fn targets(&self, field: i64) -> impl Iterator<Item = i64> {
        self.links.get(&field).into_iter().flatten().copied()
    }
}
