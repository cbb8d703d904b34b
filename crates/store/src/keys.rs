//! API keys: records and hashes, never the keys themselves.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{HashedKey, Key, KeyKind, RateLimit};
use guildhall_domain::scope::Scopes;
use guildhall_domain::{Mode, Timestamp};
use std::str::FromStr;

const SELECT: &str = "SELECT k.id, k.app, k.environment, e.mode, k.kind, k.name, k.hash, k.start, k.imported,
    k.scopes, k.allowed_addresses, k.rate_limit, k.created_at, k.last_used_at, k.expires_at, k.revoked_at
    FROM keys k LEFT JOIN environments e ON e.number = k.environment";
const INSERT: &str = "INSERT INTO keys (id, app, environment, kind, name, hash, start, imported, scopes,
    allowed_addresses, rate_limit, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const REVOKE: &str = "UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
const USED: &str = "UPDATE keys SET last_used_at = $1
    WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $3)";
const COUNT_ACTIVE: &str = "SELECT COUNT(*) FROM keys WHERE app = $1 AND kind = $2
    AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)";
/// How an unlimited key is stored; NULL is the installation's default.
const UNLIMITED: i64 = 0;

/// Reached as `tx.keys()`.
pub struct Keys<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Keys<'_> {
    /// Stores a new key's record.
    ///
    /// # Errors
    /// `Conflict(KeyHash)` if the key exists already.
    pub async fn insert(&mut self, key: &Key) -> Result<(), StoreError> {
        let (addresses, scopes) = (join(&key.allowed_addresses), key.scopes.to_stored());
        let rate_limit = match key.rate_limit {
            RateLimit::Default => None,
            RateLimit::PerSecond(limit) => Some(i64::from(limit)),
            RateLimit::Unlimited => Some(UNLIMITED),
        };
        let values = params![
            key.id.as_str(),
            key.app.as_ref().map(AppId::as_str),
            key.environment.map(|(environment, _)| environment),
            key.kind.as_str(),
            &key.name,
            key.hash.as_bytes(),
            &key.start,
            key.imported,
            &scopes,
            &addresses,
            rate_limit,
            key.created_at,
            key.expires_at
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// The record of the key with this hash, whatever its state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_by_hash(&mut self, hash: HashedKey) -> Result<Option<Key>, StoreError> {
        let sql = format!("{SELECT} WHERE k.hash = $1");
        self.tx.first(&sql, params![hash.as_bytes()], from_row).await
    }

    /// One key's record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, id: &KeyId) -> Result<Option<Key>, StoreError> {
        let sql = format!("{SELECT} WHERE k.id = $1");
        self.tx.first(&sql, params![id.as_str()], from_row).await
    }

    /// All keys of an app, or all partner keys, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self, app: Option<&AppId>) -> Result<Vec<Key>, StoreError> {
        match app {
            Some(app) => {
                let sql = format!("{SELECT} WHERE k.app = $1 ORDER BY k.created_at, k.id");
                self.tx.all(&sql, params![app.as_str()], from_row).await
            }
            None => {
                let sql = format!("{SELECT} WHERE k.app IS NULL ORDER BY k.created_at, k.id");
                self.tx.all(&sql, params![], from_row).await
            }
        }
    }

    /// How many of an app's keys of a kind are neither revoked nor expired. The caller holds the
    /// authority lock if it is going to add one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_active(
        &mut self,
        app: &AppId,
        kind: KeyKind,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let values = params![app.as_str(), kind.as_str(), now];
        let count = self.tx.first(COUNT_ACTIVE, values, |row| row.int(0)).await?;
        Ok(count.unwrap_or(0))
    }

    /// Revokes a key. False if it was revoked before or does not exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(&mut self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError> {
        self.tx.execute(REVOKE, params![now, id.as_str()]).await.map(|rows| rows == 1)
    }

    /// Notes when a key was last used, unless a later time is there already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_used(&mut self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.tx.execute(USED, params![at, id.as_str(), at]).await.map(|_| ())
    }
}

fn join(addresses: &[ipnet::IpNet]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn split(text: &str) -> Option<Vec<ipnet::IpNet>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

fn from_row(row: &Row<'_>) -> Result<Key, StoreError> {
    let environment = match row.opt_int(2)? {
        Some(_) => Some((row.environment(2)?, row.parsed(3, |mode| Mode::from_str(mode).ok())?)),
        None => None,
    };
    let rate_limit = match row.opt_int(11)? {
        None => RateLimit::Default,
        Some(UNLIMITED) => RateLimit::Unlimited,
        Some(limit) => u32::try_from(limit)
            .map(RateLimit::PerSecond)
            .map_err(|_| StoreError::corrupt("a key's rate limit is out of range"))?,
    };
    Ok(Key {
        id: KeyId::from_text(row.text(0)?),
        app: row.opt_text(1)?.map(AppId::from_text),
        environment,
        kind: row.parsed(4, |kind| KeyKind::from_str(kind).ok())?,
        name: row.string(5)?,
        hash: HashedKey::from_stored(row.bytes(6)?)
            .ok_or_else(|| StoreError::corrupt("a key's hash is not 32 bytes"))?,
        start: row.string(7)?,
        imported: row.bool(8)?,
        scopes: row.parsed(9, Scopes::from_stored)?,
        allowed_addresses: row.parsed(10, split)?,
        rate_limit,
        created_at: row.time(12)?,
        last_used_at: row.opt_time(13)?,
        expires_at: row.opt_time(14)?,
        revoked_at: row.opt_time(15)?,
    })
}
