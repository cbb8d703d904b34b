//! Records of data tables: what callers do with them.

mod create;
mod delete;
mod export;
mod import;
mod privacy;
mod query;
mod update;
mod view;
mod writing;

pub use export::{RecordsPart, csv_header};
pub use import::{RecordImporter, row_from_csv};
pub use query::{Found, Included, Node, PageOf};
pub use view::{DecimalForm, write_found, write_written};
pub use writing::{LinkOutcome, Written};

use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::app::Environment;
use guildhall_domain::data_table::{Asker, DataTable, is_table_name};
use guildhall_domain::query::Filter;
use guildhall_store::{Codecs, RecordPlace};
use std::sync::Arc;

/// The records of one table in one environment, with all that is needed to name them. Can be taken
/// along into a unit of work.
#[derive(Clone)]
pub(crate) struct Home {
    definitions: Arc<Definitions>,
    table: usize,
    environment: Environment,
    asker: Asker,
    codecs: Codecs,
}

impl Home {
    pub(crate) fn table(&self) -> &DataTable {
        &self.definitions.tables[self.table]
    }

    /// Who asks, as the table's rules see it.
    fn asker(&self) -> Asker {
        self.asker
    }

    /// The same place under definitions that have been read anew.
    fn renewed(&self, definitions: Definitions) -> Result<Self, AppError> {
        let number = self.table().number;
        let table = definitions.tables.iter().position(|table| table.number == number);
        let table = table.ok_or(Code::TableNotFound)?;
        Ok(Self { definitions: Arc::new(definitions), table, ..self.clone() })
    }

    pub(crate) fn place(&self) -> RecordPlace<'_> {
        RecordPlace {
            table: self.table(),
            tables: &self.definitions.tables,
            environment: self.environment,
            codecs: &self.codecs,
        }
    }
}

impl Guildhall {
    /// The table that a caller names by key or id.
    ///
    /// # Errors
    /// `InputInvalid` if the text can name none, `TableNotFound`.
    pub fn table<'a>(&self, access: &Access<'a>, name: &str) -> Result<&'a DataTable, AppError> {
        let definitions = access.definitions();
        self.home(access, name).map(|home| &definitions.tables[home.table])
    }

    pub(crate) fn home(&self, access: &Access<'_>, name: &str) -> Result<Home, AppError> {
        if name.is_empty() {
            return Err(AppError::because(Code::InputInvalid, "Table key is required"));
        }
        if !is_table_name(name) {
            return Err(AppError::because(Code::InputInvalid, "Invalid table key or ID format"));
        }
        let definitions = Arc::clone(access.definitions());
        let found = |table: &DataTable| table.key == name || table.id.as_str() == name;
        let table = definitions.tables.iter().position(found).ok_or(Code::TableNotFound)?;
        let codecs = self.store().codecs().clone();
        Ok(Home { definitions, table, environment: access.place(), asker: access.asker(), codecs })
    }

    /// How many records of a table a caller may read; none where it may read nothing.
    ///
    /// # Errors
    /// `TableNotFound`, `QueryTooSlow`, `StoreUnavailable`.
    pub(crate) async fn count_readable_records(
        &self,
        access: &Access<'_>,
        table: &str,
    ) -> Result<i64, AppError> {
        let home = self.home(access, table)?;
        let Ok(reach) = home.table().rules.read.reach(home.asker()) else {
            return Ok(0);
        };
        let counted = self.store().query_once::<_, AppError, _>(home.environment.id, move |tx| {
            Box::pin(async move {
                Ok(tx.records().count(&home.place(), &Filter::everything(), reach.owner()).await?)
            })
        });
        counted.await
    }

    /// Whether a table has a record with this id.
    ///
    /// # Errors
    /// `TableNotFound`, `StoreUnavailable`.
    pub(crate) async fn has_record(
        &self,
        access: &Access<'_>,
        table: &str,
        id: &str,
    ) -> Result<bool, AppError> {
        let home = self.home(access, table)?;
        let place = home.place();
        let made_here = place.codecs.records.open(place.table.number, place.environment.id, id).is_some();
        if !made_here && !place.table.imported_ids {
            return Ok(false);
        }
        let id = id.to_owned();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(
                async move { Ok(tx.records().find_by_id(&home.place(), &id, Some(&[])).await?.is_some()) },
            )
        });
        found.await
    }
}
