//! How often something was tried, by the hash of who or what it was tried on.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::key::HashedKey;
use guildhall_domain::throttle::Attempts;

const CLAIM: &str =
    "INSERT INTO sign_in_attempts (subject, attempts, last_at, free_at) VALUES ($1, 0, $2, $3)
    ON CONFLICT (subject) DO NOTHING";
const LOCK: &str = "SELECT attempts FROM sign_in_attempts WHERE subject = $1 FOR UPDATE";
const FIND: &str = "SELECT attempts, last_at, free_at FROM sign_in_attempts WHERE subject = $1";
const UPDATE: &str =
    "UPDATE sign_in_attempts SET attempts = $1, last_at = $2, free_at = $3 WHERE subject = $4";
const DELETE: &str = "DELETE FROM sign_in_attempts WHERE subject = $1";
const DELETE_BEFORE: &str = "DELETE FROM sign_in_attempts WHERE last_at < $1";

/// Reached as `tx.attempts()`.
pub struct SignInAttempts<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl SignInAttempts<'_> {
    /// What was tried on a subject so far, kept from others until this unit of work ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_locked(
        &mut self,
        subject: HashedKey,
        now: Timestamp,
    ) -> Result<Option<Attempts>, StoreError> {
        // A row must be there to be locked.
        self.tx.execute(CLAIM, params![subject.as_bytes(), now, now]).await?;
        self.tx.lock(LOCK, params![subject.as_bytes()]).await?;
        let values = params![subject.as_bytes()];
        let found = self.tx.first(FIND, values, |row| {
            Ok(Attempts { count: row.int(0)?, last_at: row.time(1)?, free_at: row.time(2)? })
        });
        found.await
    }

    /// Stores what was tried on a subject that [`SignInAttempts::find_locked`] has seen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update(&mut self, subject: HashedKey, attempts: Attempts) -> Result<(), StoreError> {
        let values = params![attempts.count, attempts.last_at, attempts.free_at, subject.as_bytes()];
        self.tx.execute(UPDATE, values).await.map(|_| ())
    }

    /// Forgets what was tried on a subject.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&mut self, subject: HashedKey) -> Result<(), StoreError> {
        self.tx.execute(DELETE, params![subject.as_bytes()]).await.map(|_| ())
    }

    /// Forgets all that was last tried before this time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_BEFORE, params![time]).await
    }
}
