//! How many members were made on each day. A plot of them must never scan members.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::{EnvironmentId, Timestamp};

const COUNT: &str = "INSERT INTO sign_ups (environment, day, members) VALUES ($1, $2, 1)
    ON CONFLICT (environment, day) DO UPDATE SET members = sign_ups.members + 1";
const SINCE: &str = "SELECT day, members FROM sign_ups WHERE environment = $1 AND day >= $2 ORDER BY day";

/// Reached as `tx.sign_ups()`.
pub struct SignUps<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SignUps<'_> {
    /// Counts a member that was made at this time. Part of every unit that stores one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn count(
        &mut self,
        environment: EnvironmentId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.tx.execute(COUNT, params![environment, at.day()]).await.map(|_| ())
    }

    /// Days since 1970-01-01 (UTC) from this one on, with how many members were made on each; days
    /// without any are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn since(
        &mut self,
        environment: EnvironmentId,
        day: i64,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        self.tx.all(SINCE, params![environment, day], |row| Ok((row.int(0)?, row.int(1)?))).await
    }
}
