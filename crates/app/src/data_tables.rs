//! Defining data tables: tables, their fields and rules. Both environments share a definition.

mod field;
mod json;
mod table;
mod view;

pub use field::{FieldChange, FieldDraft};
pub use json::{access_rule, field_kind};
pub use table::{DeletedTable, TableChange, TableDraft};
pub use view::{full_view, view};

use crate::error::{AppError, or_conflict};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, named};
use guildhall_domain::ids::AppId;
use guildhall_store::{Constraint, StoreError, Tx};

/// Every table of the app, and the place among them of the one that the caller names by key or id.
async fn find(tx: &mut Tx, app: &AppId, name: &str) -> Result<(Vec<DataTable>, DataTable), AppError> {
    let tables = tx.data_tables().list(app).await?;
    let found = named(&tables, name).cloned();
    Ok((tables, found.ok_or(Code::TableNotFound)?))
}

/// The conflicts that definitions can meet.
fn named_once<T>(result: Result<T, StoreError>) -> Result<T, AppError> {
    or_conflict(
        result,
        &[(Constraint::DataTableKey, Code::TableExists), (Constraint::FieldKey, Code::FieldExists)],
    )
}
