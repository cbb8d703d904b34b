//! The version of everything that servers keep in memory: keys, apps, definitions.

use crate::driver::{Tx, params};
use crate::error::StoreError;

const VERSION: &str = "SELECT version FROM authority WHERE id = 1";
const BUMP: &str = "UPDATE authority SET version = version + 1 WHERE id = 1";
const LOCK: &str = "SELECT version FROM authority WHERE id = 1 FOR UPDATE";

/// Reached as `tx.authority()`.
pub struct Authority<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Authority<'_> {
    /// The current version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn version(&mut self) -> Result<i64, StoreError> {
        let version = self.tx.first(VERSION, params![], |row| row.int(0)).await?;
        version.ok_or_else(|| StoreError::corrupt("the authority row is missing"))
    }

    /// Says that something kept in memory has changed. Part of every such unit of work.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bump(&mut self) -> Result<(), StoreError> {
        self.tx.execute(BUMP, params![]).await.map(|_| ())
    }

    /// Makes other units that change keys, apps or definitions wait for this one. For rules over
    /// several rows, such as the limit on active store keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock(&mut self) -> Result<(), StoreError> {
        self.tx.lock(LOCK, params![]).await
    }
}
