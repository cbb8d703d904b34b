//! Tokens of links to the customer portal: hashes, never the tokens themselves. A member may have several; only
//! the newest few are kept.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::app::Environment;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::HashedKey;
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::portal::PortalPowers;
use guildhall_domain::{EnvironmentId, Mode, Timestamp};
use std::str::FromStr;

const INSERT: &str = "INSERT INTO portal_tokens (hash, environment, member_key, key, changes_contracts,
    changes_billing, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const KEEP_NEWEST: &str = "DELETE FROM portal_tokens WHERE member_key = $1 AND number NOT IN
    (SELECT number FROM portal_tokens WHERE member_key = $2 ORDER BY number DESC LIMIT $3)";
const FIND: &str = "SELECT e.app, e.number, e.mode, m.key, m.id, m.email, t.changes_contracts, t.changes_billing,
    t.expires_at, t.ended_at, k.revoked_at FROM portal_tokens t JOIN environments e ON e.number = t.environment
    JOIN members m ON m.key = t.member_key LEFT JOIN keys k ON k.id = t.key WHERE t.hash = $1";
const END: &str = "UPDATE portal_tokens SET ended_at = $1 WHERE hash = $2 AND ended_at IS NULL";
const COUNT: &str = "SELECT COUNT(*) FROM portal_tokens WHERE member_key = $1";
const DELETE_OF_MEMBER: &str = "DELETE FROM portal_tokens WHERE member_key = $1";
const DELETE_ENDED: &str = "DELETE FROM portal_tokens WHERE expires_at <= $1";

/// A token that is to be stored.
#[derive(Clone, Debug)]
pub struct NewPortalToken {
    /// The hash of the token.
    pub hash: HashedKey,
    /// Where it counts.
    pub environment: EnvironmentId,
    /// Whose memberships it opens.
    pub member: MemberKey,
    /// The key that asked for it, with which it ends.
    pub key: Option<KeyId>,
    /// What it opens beside looking.
    pub powers: PortalPowers,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A token as it is stored, and whose it is.
#[derive(Clone, Debug)]
pub struct PortalToken {
    /// The app.
    pub app: AppId,
    /// Where in it.
    pub environment: Environment,
    /// Whose memberships it opens.
    pub member: MemberKey,
    /// `mem_…`
    pub member_id: MemberId,
    /// The member's address.
    pub email: Option<String>,
    /// What it opens beside looking.
    pub powers: PortalPowers,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was signed out of.
    pub ended_at: Option<Timestamp>,
    /// When the key that asked for it was revoked.
    pub key_revoked_at: Option<Timestamp>,
}

/// Reached as `tx.portal_tokens()`.
pub struct PortalTokens<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl PortalTokens<'_> {
    /// Stores a token, and deletes the member's oldest beyond `kept`. Whoever calls has locked the member.
    ///
    /// # Errors
    /// `Conflict(Reference)` if the member is gone.
    pub async fn insert(
        &mut self,
        token: &NewPortalToken,
        kept: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![
            token.hash.as_bytes(),
            token.environment,
            token.member,
            token.key.as_ref().map(KeyId::as_str),
            token.powers.contracts,
            token.powers.billing,
            now,
            token.expires_at
        ];
        self.tx.execute(INSERT, values).await?;
        self.tx.execute(KEEP_NEWEST, params![token.member, token.member, kept]).await.map(|_| ())
    }

    /// The token with this hash, whatever its state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, hash: HashedKey) -> Result<Option<PortalToken>, StoreError> {
        self.tx.first(FIND, params![hash.as_bytes()], from_row).await
    }

    /// How many tokens of a member are kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(&mut self, member: MemberKey) -> Result<i64, StoreError> {
        Ok(self.tx.first(COUNT, params![member], |row| row.int(0)).await?.unwrap_or(0))
    }

    /// Ends a token. False if it has ended before, or there is none such.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end(&mut self, hash: HashedKey, now: Timestamp) -> Result<bool, StoreError> {
        self.tx.execute(END, params![now, hash.as_bytes()]).await.map(|rows| rows == 1)
    }

    /// Deletes all of a member's tokens: its address is another now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_of_member(&mut self, member: MemberKey) -> Result<(), StoreError> {
        self.tx.execute(DELETE_OF_MEMBER, params![member]).await.map(|_| ())
    }

    /// Deletes tokens that had expired by then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_ended(&mut self, then: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_ENDED, params![then]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<PortalToken, StoreError> {
    Ok(PortalToken {
        app: AppId::from_text(row.text(0)?),
        environment: Environment {
            id: row.environment(1)?,
            mode: row.parsed(2, |text| Mode::from_str(text).ok())?,
        },
        member: MemberKey::from_stored(row.int(3)?),
        member_id: MemberId::from_text(row.text(4)?),
        email: row.opt_string(5)?,
        powers: PortalPowers { contracts: row.bool(6)?, billing: row.bool(7)? },
        expires_at: row.time(8)?,
        ended_at: row.opt_time(9)?,
        key_revoked_at: row.opt_time(10)?,
    })
}
