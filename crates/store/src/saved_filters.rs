//! Filters of the list of members that operators have saved, of an environment.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::ids::SavedFilterId;
use guildhall_domain::{EnvironmentId, Timestamp};

const LIST: &str = "SELECT id, name, query FROM saved_filters WHERE environment = $1";
const PUT: &str = "INSERT INTO saved_filters (id, environment, name, query, created_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (environment, name) DO UPDATE SET query = excluded.query";
const DELETE: &str = "DELETE FROM saved_filters WHERE id = $1 AND environment = $2";

/// A filter under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedFilter {
    /// `flt_…`
    pub id: SavedFilterId,
    /// What operators call it; unique in the environment.
    pub name: String,
    /// The filter, as the query of the list's address says it.
    pub query: String,
}

/// Reached as `tx.saved_filters()`.
pub struct SavedFilters<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SavedFilters<'_> {
    /// The environment's filters, in no order: engines compare names differently.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self, environment: EnvironmentId) -> Result<Vec<SavedFilter>, StoreError> {
        self.tx.all(LIST, params![environment], from_row).await
    }

    /// Stores a filter. One that has the name already keeps its id and gets the query.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(
        &mut self,
        environment: EnvironmentId,
        filter: &SavedFilter,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![filter.id.as_str(), environment, &filter.name, &filter.query, now];
        self.tx.execute(PUT, values).await.map(|_| ())
    }

    /// Deletes a filter. False if the environment has no such one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(
        &mut self,
        environment: EnvironmentId,
        id: &SavedFilterId,
    ) -> Result<bool, StoreError> {
        self.tx.execute(DELETE, params![id.as_str(), environment]).await.map(|rows| rows == 1)
    }
}

fn from_row(row: &Row<'_>) -> Result<SavedFilter, StoreError> {
    Ok(SavedFilter {
        id: SavedFilterId::from_text(row.text(0)?),
        name: row.string(1)?,
        query: row.string(2)?,
    })
}
