//! The clocks of sandboxes: where one stands if it is frozen, and where it is moving to.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::{EnvironmentId, Timestamp};

const FIND: &str = "SELECT number, clock_at, clock_target FROM environments WHERE number = $1";
const LOCK: &str = "SELECT number FROM environments WHERE number = $1 FOR UPDATE";
const SET: &str = "UPDATE environments SET clock_at = $1, clock_target = $2 WHERE number = $3";
const FROZEN: &str =
    "SELECT number, clock_at, clock_target FROM environments WHERE clock_at IS NOT NULL ORDER BY number";

/// The clock of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Whose it is.
    pub environment: EnvironmentId,
    /// Where it stands; nothing if it goes by the real time.
    pub at: Option<Timestamp>,
    /// Where it is being moved to.
    pub target: Option<Timestamp>,
}

/// Reached as `tx.clocks()`.
pub struct Clocks<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Clocks<'_> {
    /// An environment's clock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, environment: EnvironmentId) -> Result<Clock, StoreError> {
        let found = self.tx.first(FIND, params![environment], from_row).await?;
        found.ok_or_else(|| StoreError::corrupt("the environment is missing"))
    }

    /// As [`Clocks::find`], kept from others until this unit of work ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_locked(&mut self, environment: EnvironmentId) -> Result<Clock, StoreError> {
        self.tx.lock(LOCK, params![environment]).await?;
        self.find(environment).await
    }

    /// Stores where a clock stands and where it goes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set(&mut self, clock: Clock) -> Result<(), StoreError> {
        let values = params![clock.at, clock.target, clock.environment];
        self.tx.execute(SET, values).await.map(|_| ())
    }

    /// All clocks that do not go by the real time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn frozen(&mut self) -> Result<Vec<Clock>, StoreError> {
        self.tx.all(FROZEN, params![], from_row).await
    }
}

fn from_row(row: &Row<'_>) -> Result<Clock, StoreError> {
    Ok(Clock { environment: row.environment(0)?, at: row.opt_time(1)?, target: row.opt_time(2)? })
}
