//! The keys that members' tokens are signed with. The private half lies here at rest, and goes when
//! the key is retired.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;

const INSERT: &str = "INSERT INTO token_keys (kid, private_key, modulus, created_at) VALUES ($1, $2, $3, $4)";
const LIST: &str = "SELECT kid, private_key, modulus, created_at, retired_at, published_until FROM token_keys
    ORDER BY created_at, kid";
const RETIRE: &str = "UPDATE token_keys SET private_key = NULL, retired_at = $1, published_until = $2
    WHERE retired_at IS NULL";
const DELETE_ENDED: &str = "DELETE FROM token_keys WHERE published_until <= $1";

/// A signing key, whatever its state.
#[derive(Clone)]
pub struct TokenKey {
    /// 64 hexadecimal digits.
    pub kid: String,
    /// PKCS#8; nothing once it is retired.
    pub private_key: Option<Vec<u8>>,
    /// The public key's modulus, in base64url.
    pub modulus: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
    /// Until when tokens that it signed may hold.
    pub published_until: Option<Timestamp>,
}

/// Reached as `tx.token_keys()`.
pub struct TokenKeys<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl TokenKeys<'_> {
    /// Stores a new key. The caller holds the authority lock.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(&mut self, key: &TokenKey) -> Result<(), StoreError> {
        let values = params![&key.kid, key.private_key.as_deref(), &key.modulus, key.created_at];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self) -> Result<Vec<TokenKey>, StoreError> {
        self.tx.all(LIST, params![], from_row).await
    }

    /// Retires the keys that sign, and forgets their private half.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn retire(&mut self, now: Timestamp, published_until: Timestamp) -> Result<(), StoreError> {
        self.tx.execute(RETIRE, params![now, published_until]).await.map(|_| ())
    }

    /// Deletes the retired keys that no living token was signed with. How many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_ended(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.tx.execute(DELETE_ENDED, params![now]).await
    }
}

fn from_row(row: &Row<'_>) -> Result<TokenKey, StoreError> {
    Ok(TokenKey {
        kid: row.string(0)?,
        private_key: row.opt_bytes(1)?.map(<[u8]>::to_vec),
        modulus: row.string(2)?,
        created_at: row.time(3)?,
        retired_at: row.opt_time(4)?,
        published_until: row.opt_time(5)?,
    })
}
