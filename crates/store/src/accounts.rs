//! What a member signs in with: its password, its address, and methods beside them.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::member_id::MemberKey;

const HAS_PASSWORD: &str = "SELECT password_hash IS NOT NULL FROM members WHERE key = $1";
const PASSWORD: &str = "SELECT password_hash FROM members WHERE key = $1";
const METHODS: &str = "SELECT kind FROM sign_in_methods WHERE member_key = $1 ORDER BY created_at, id";
const LOCK: &str = "SELECT key FROM members WHERE key = $1 FOR UPDATE";
const SIGNED_IN: &str = "UPDATE members SET last_login_at = $1 WHERE key = $2";
const SIGNED_IN_WITH: &str = "UPDATE members SET last_login_at = $1 WHERE key = $2 AND password_hash = $3";
const VERIFIED: &str = "UPDATE members SET verified = $1, updated_at = $2 WHERE key = $3";

/// Reached as `tx.accounts()`.
pub struct Accounts<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Accounts<'_> {
    /// Makes other units that change this member wait for this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lock(&mut self, member: MemberKey) -> Result<(), StoreError> {
        self.tx.lock(LOCK, params![member]).await
    }

    /// Whether a member has a password.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_password(&mut self, member: MemberKey) -> Result<bool, StoreError> {
        let found = self.tx.first(HAS_PASSWORD, params![member], |row| row.bool(0)).await?;
        Ok(found.unwrap_or(false))
    }

    /// A member's password hash, if it has one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn password(&mut self, member: MemberKey) -> Result<Option<String>, StoreError> {
        let found = self.tx.first(PASSWORD, params![member], |row| row.opt_string(0)).await?;
        Ok(found.flatten())
    }

    /// The kinds of the methods that a member has beside password and address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn methods(&mut self, member: MemberKey) -> Result<Vec<String>, StoreError> {
        self.tx.all(METHODS, params![member], |row| row.string(0)).await
    }

    /// Notes that a member signed in; with a password, only if that is still the member's. False if
    /// it is not, or if the member is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_sign_in(
        &mut self,
        member: MemberKey,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = match password_hash {
            Some(hash) => self.tx.execute(SIGNED_IN_WITH, params![now, member, hash]).await,
            None => self.tx.execute(SIGNED_IN, params![now, member]).await,
        };
        changed.map(|rows| rows == 1)
    }

    /// Says whether the address is known to be the member's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_verified(
        &mut self,
        member: MemberKey,
        verified: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.tx.execute(VERIFIED, params![verified, now, member]).await.map(|_| ())
    }
}
