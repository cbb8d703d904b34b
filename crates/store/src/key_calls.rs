//! How many calls succeeded with each key, by day and route.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::ids::KeyId;

const ADD: &str = "INSERT INTO key_calls (key, day, route, calls) VALUES ($1, $2, $3, $4)
    ON CONFLICT (key, day, route) DO UPDATE SET calls = key_calls.calls + excluded.calls";
const SINCE: &str = "SELECT route, CAST(SUM(calls) AS BIGINT) FROM key_calls WHERE key = $1 AND day >= $2
    GROUP BY route ORDER BY 2 DESC, route";
const DELETE: &str = "DELETE FROM key_calls WHERE day < $1";

/// Reached as `tx.key_calls()`. A day is a number of days since 1970-01-01, UTC; a route a method and a
/// template, e.g. `GET /members/{id}`.
pub struct KeyCalls<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl KeyCalls<'_> {
    /// Counts calls.
    ///
    /// # Errors
    /// `Conflict(Reference)` if there is no such key.
    pub async fn add(&mut self, key: &KeyId, day: i64, route: &str, calls: i64) -> Result<(), StoreError> {
        self.tx.execute(ADD, params![key.as_str(), day, route, calls]).await.map(|_| ())
    }

    /// Calls with a key from this day on, by route, the most used first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn since(&mut self, key: &KeyId, day: i64) -> Result<Vec<(String, i64)>, StoreError> {
        self.tx.all(SINCE, params![key.as_str(), day], |row| Ok((row.string(0)?, row.int(1)?))).await
    }

    /// Forgets what was counted before this day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_before(&mut self, day: i64) -> Result<u64, StoreError> {
        self.tx.execute(DELETE, params![day]).await
    }
}
