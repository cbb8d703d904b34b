//! Looking at the keys of tokens, and replacing the one that signs.

use super::ring;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::Timestamp;
use guildhall_domain::audit::Actor;
use guildhall_domain::session::session_end;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_store::TokenKey;
use serde_json::json;

/// A node that read its keys just before they were replaced may sign once more with the old one.
const GRACE_US: i64 = 60 * MICROS_PER_SECOND;

/// What operators may know of a key.
#[derive(Clone, Debug)]
pub struct TokenKeyInfo {
    /// Its name, as it stands in tokens.
    pub kid: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
    /// Until when it is published, if it is retired.
    pub published_until: Option<Timestamp>,
}

impl From<TokenKey> for TokenKeyInfo {
    fn from(key: TokenKey) -> Self {
        Self {
            kid: key.kid,
            created_at: key.created_at,
            retired_at: key.retired_at,
            published_until: key.published_until,
        }
    }
}

impl Guildhall {
    /// Makes sure that there is a key to sign with.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn ensure_token_key(&self) -> Result<(), AppError> {
        self.signing_ring().await.map(|_| ())
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn list_token_keys(&self) -> Result<Vec<TokenKeyInfo>, AppError> {
        let stored = self
            .store()
            .scan::<_, AppError, _>(|tx| Box::pin(async move { Ok(tx.token_keys().list().await?) }));
        Ok(stored.await?.into_iter().map(TokenKeyInfo::from).collect())
    }

    /// Makes a new key that signs from now on. The old one forgets its private half at once, and stays
    /// published until the last token that it can have signed has expired.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn rotate_token_key(&self, actor: Actor) -> Result<TokenKeyInfo, AppError> {
        let now = self.now();
        let fresh = ring::generate(now).await?;
        let recorder = Recorder::of(actor, None, now);
        let rotated = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.authority().lock().await?;
                let longest = tx.apps().list().await?.iter().map(|app| app.session_seconds).max();
                let could_end = longest.map_or(now, |seconds| session_end(now, seconds));
                let last_end = tx.sessions().last_end().await?.unwrap_or(now).max(could_end);
                tx.token_keys().retire(now, last_end.plus_micros(GRACE_US)).await?;
                ring::insert(tx, &fresh).await?;
                recorder.audit(tx, "token-key.rotate", &fresh.kid, &json!({})).await?;
                Ok(fresh.into())
            })
        });
        rotated.await
    }
}
