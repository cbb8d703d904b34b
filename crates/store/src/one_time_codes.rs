//! One-time codes and links: hashes, never the codes themselves. An address has at most one of each
//! purpose; a new one takes the place of the old.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::key::HashedKey;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::one_time::Purpose;
use guildhall_domain::{EnvironmentId, Timestamp};

const COLUMNS: &str =
    "environment, email_normal, member_key, hash, attempts, origin, expires_at, used_at FROM one_time_codes";
const PUT: &str =
    "INSERT INTO one_time_codes (environment, purpose, email_normal, member_key, hash, attempts,
    origin, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)
    ON CONFLICT (environment, purpose, email_normal) DO UPDATE SET member_key = excluded.member_key,
    hash = excluded.hash, attempts = 0, origin = excluded.origin, created_at = excluded.created_at,
    expires_at = excluded.expires_at, used_at = NULL";
const USE: &str = "UPDATE one_time_codes SET used_at = $1 WHERE hash = $2 AND used_at IS NULL";
const COUNT_WRONG: &str = "UPDATE one_time_codes SET attempts = attempts + 1
    WHERE environment = $1 AND purpose = $2 AND email_normal = $3";
const DELETE_OF_MEMBER: &str = "DELETE FROM one_time_codes WHERE member_key = $1";
const DELETE_ENDED: &str = "DELETE FROM one_time_codes WHERE expires_at <= $1";

/// A code as it is stored.
#[derive(Clone, Debug)]
pub struct OneTimeCode {
    /// Where it counts.
    pub environment: EnvironmentId,
    /// The normal form of the address it was mailed to.
    pub email_normal: String,
    /// Whose it is; nobody's yet for a sign-up.
    pub member: Option<MemberKey>,
    /// The hash of the code.
    pub hash: HashedKey,
    /// How often somebody guessed wrong.
    pub attempts: i64,
    /// The site to go back to.
    pub origin: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// Reached as `tx.one_time_codes()`.
pub struct OneTimeCodes<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl OneTimeCodes<'_> {
    /// Stores a code in place of the address's older one of that purpose.
    ///
    /// # Errors
    /// `Conflict(CodeHash)` if the same code is another's.
    pub async fn put(
        &mut self,
        purpose: Purpose,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![
            code.environment,
            purpose.as_str(),
            &code.email_normal,
            code.member,
            code.hash.as_bytes(),
            code.origin.as_deref(),
            now,
            code.expires_at
        ];
        self.tx.execute(PUT, values).await.map(|_| ())
    }

    /// The code of this purpose that was mailed to this address, kept from others until this unit of
    /// work ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_locked(
        &mut self,
        environment: EnvironmentId,
        purpose: Purpose,
        email_normal: &str,
    ) -> Result<Option<OneTimeCode>, StoreError> {
        let wanted = "WHERE environment = $1 AND purpose = $2 AND email_normal = $3";
        let lock = format!("SELECT attempts FROM one_time_codes {wanted} FOR UPDATE");
        self.tx.lock(&lock, params![environment, purpose.as_str(), email_normal]).await?;
        let sql = format!("SELECT {COLUMNS} {wanted}");
        self.tx.first(&sql, params![environment, purpose.as_str(), email_normal], from_row).await
    }

    /// The code with this hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_hash(&mut self, hash: HashedKey) -> Result<Option<OneTimeCode>, StoreError> {
        let sql = format!("SELECT {COLUMNS} WHERE hash = $1");
        self.tx.first(&sql, params![hash.as_bytes()], from_row).await
    }

    /// Marks a code as used. False if it was used before, or replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_used(&mut self, hash: HashedKey, now: Timestamp) -> Result<bool, StoreError> {
        self.tx.execute(USE, params![now, hash.as_bytes()]).await.map(|rows| rows == 1)
    }

    /// Counts a wrong guess at an address's code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_wrong(
        &mut self,
        environment: EnvironmentId,
        purpose: Purpose,
        email_normal: &str,
    ) -> Result<(), StoreError> {
        let values = params![environment, purpose.as_str(), email_normal];
        self.tx.execute(COUNT_WRONG, values).await.map(|_| ())
    }

    /// Deletes all of a member's codes: its address or password is another now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_of_member(&mut self, member: MemberKey) -> Result<(), StoreError> {
        self.tx.execute(DELETE_OF_MEMBER, params![member]).await.map(|_| ())
    }

    /// Deletes codes that have expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_ended(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_ENDED, params![now]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<OneTimeCode, StoreError> {
    Ok(OneTimeCode {
        environment: row.environment(0)?,
        email_normal: row.string(1)?,
        member: row.opt_int(2)?.map(MemberKey::from_stored),
        hash: HashedKey::from_stored(row.bytes(3)?)
            .ok_or_else(|| StoreError::corrupt("a code's hash is not 32 bytes"))?,
        attempts: row.int(4)?,
        origin: row.opt_string(5)?,
        expires_at: row.time(6)?,
        used_at: row.opt_time(7)?,
    })
}
