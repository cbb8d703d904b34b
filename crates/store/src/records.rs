//! Records of data tables. Statements are put together from the table's definition: names come from its
//! numbers, values are bound.

mod columns;
mod links;
mod read;
mod write;

pub use links::RelatedMember;
pub use read::{PageOfRecords, PageRequest};
pub use write::{NewRecord, Values};

use crate::driver::{Codecs, Tx};
use guildhall_domain::app::Environment;
use guildhall_domain::data_table::{DataTable, numbered};

/// Which records: those of one data table in one environment.
#[derive(Clone, Copy)]
pub struct RecordPlace<'a> {
    /// The table.
    pub table: &'a DataTable,
    /// All tables of the app, for what fields point at.
    pub tables: &'a [DataTable],
    /// The environment.
    pub environment: Environment,
    /// Opens and seals ids.
    pub codecs: &'a Codecs,
}

impl<'a> RecordPlace<'a> {
    /// The same environment of another table of the app; nothing if there is no table with this number.
    pub fn of_table(&self, number: i64) -> Option<Self> {
        numbered(self.tables, number).map(|table| Self { table, ..*self })
    }

    /// Whether some records of a table carry an id from elsewhere.
    pub(crate) fn has_imported_ids(&self, table: i64) -> bool {
        numbered(self.tables, table).is_some_and(|table| table.imported_ids)
    }
}

/// Reached as `tx.records()`.
pub struct Records<'t> {
    pub(crate) tx: &'t mut Tx,
}
