//! Environments and their counters. Counting members must never scan them.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::app::Environment;
use guildhall_domain::ids::AppId;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::{EnvironmentId, Mode};
use std::str::FromStr;

const INSERT: &str = "INSERT INTO environments (number, app, mode, member_count, member_sequence)
    SELECT COALESCE(MAX(number), 0) + 1, $1, $2, 0, 0 FROM environments";
const BY_APP: &str = "SELECT number, mode FROM environments WHERE app = $1 ORDER BY mode";
const APP_OF: &str = "SELECT app FROM environments WHERE number = $1";
const COUNT: &str = "SELECT member_count FROM environments WHERE number = $1";
const ADMIT: &str = "UPDATE environments
    SET member_count = member_count + 1, member_sequence = member_sequence + 1
    WHERE number = $1 RETURNING member_sequence, member_count, mode";
const DISMISS: &str = "UPDATE environments SET member_count = member_count - 1 WHERE number = $1";

/// The place of a new member, counted but not yet stored.
pub struct Admission {
    /// Where its row goes.
    pub key: MemberKey,
    /// How many members the environment has with it.
    pub count: i64,
    /// Live or sandbox.
    pub mode: Mode,
}

/// Reached as `tx.environments()`.
pub struct Environments<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Environments<'_> {
    /// Makes an app's environment. The caller holds the authority lock, so numbers are unique.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(&mut self, app: &AppId, mode: Mode) -> Result<(), StoreError> {
        self.tx.execute(INSERT, params![app.as_str(), mode.as_str()]).await.map(|_| ())
    }

    /// An app's environments.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of_app(&mut self, app: &AppId) -> Result<Vec<Environment>, StoreError> {
        self.tx.all(BY_APP, params![app.as_str()], from_row).await
    }

    /// The app that an environment belongs to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn app_of(&mut self, environment: EnvironmentId) -> Result<AppId, StoreError> {
        let values = params![environment];
        let app = self.tx.first(APP_OF, values, |row| Ok(AppId::from_text(row.text(0)?))).await?;
        app.ok_or_else(|| StoreError::corrupt("the environment is missing"))
    }

    /// How many members an environment has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn member_count(&mut self, environment: EnvironmentId) -> Result<i64, StoreError> {
        let count = self.tx.first(COUNT, params![environment], |row| row.int(0)).await?;
        count.ok_or_else(|| StoreError::corrupt("the environment is missing"))
    }

    /// Counts one more member and gives it the next place. Other units that create members in
    /// this environment wait until this one has ended, which is what keeps both the sandbox's cap
    /// and the order of list cursors exact.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn admit(&mut self, environment: EnvironmentId) -> Result<Admission, StoreError> {
        let values = params![environment];
        let admitted = self.tx.first(ADMIT, values, |row| {
            Ok(Admission {
                key: MemberKey::new(environment, row.int(0)?),
                count: row.int(1)?,
                mode: row.parsed(2, |mode| Mode::from_str(mode).ok())?,
            })
        });
        admitted.await?.ok_or_else(|| StoreError::corrupt("the environment is missing"))
    }

    /// Counts one member less.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dismiss(&mut self, environment: EnvironmentId) -> Result<(), StoreError> {
        self.tx.execute(DISMISS, params![environment]).await.map(|_| ())
    }
}

fn from_row(row: &Row<'_>) -> Result<Environment, StoreError> {
    Ok(Environment { id: row.environment(0)?, mode: row.parsed(1, |mode| Mode::from_str(mode).ok())? })
}
