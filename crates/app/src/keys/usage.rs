//! What keys are used for, and ending or replacing those of one app.

use super::Created;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::Key;
use guildhall_domain::text::is_id;

/// For how many days calls are told.
pub const CALLS_DAYS: i64 = 30;

/// Calls that succeeded with a key in the last [`CALLS_DAYS`] days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCalls {
    /// By route (method and template), the most used first.
    pub by_route: Vec<(String, i64)>,
}

impl KeyCalls {
    /// All of them together.
    pub fn total(&self) -> i64 {
        self.by_route.iter().map(|(_, calls)| calls).sum()
    }
}

impl Guildhall {
    /// One key of an app, or, without an app, one partner key.
    ///
    /// # Errors
    /// `KeyNotFound`, also for another's; `StoreUnavailable`.
    pub async fn key_of(&self, app: Option<&AppId>, id: &KeyId) -> Result<Key, AppError> {
        if !is_id(id.as_str()) {
            return Err(Code::KeyNotFound.into());
        }
        let (app, id) = (app.cloned(), id.clone());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let key = tx.keys().find(&id).await?.filter(|key| key.app == app);
                key.ok_or_else(|| Code::KeyNotFound.into())
            })
        });
        found.await
    }

    /// What a key was used for. The last few seconds may be missing.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn key_calls(&self, id: &KeyId) -> Result<KeyCalls, AppError> {
        let (id, since) = (id.clone(), self.now().day() - CALLS_DAYS + 1);
        let counted = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(KeyCalls { by_route: tx.key_calls().since(&id, since).await? }) })
        });
        counted.await
    }

    /// As [`Guildhall::revoke_key`], for a key of this app only, or, without an app, a partner key.
    ///
    /// # Errors
    /// `KeyNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn revoke_key_of(
        &self,
        app: Option<&AppId>,
        id: &KeyId,
        actor: Actor,
    ) -> Result<Key, AppError> {
        // A key never changes hands, so what is looked up stays true.
        self.key_of(app, id).await?;
        self.revoke_key(id, actor).await
    }

    /// As [`Guildhall::rotate_key`], for a key of this app only, or, without an app, a partner key.
    ///
    /// # Errors
    /// `KeyNotFound`, `KeyLimitReached`, `InputInvalid` if the old one has expired, `Busy`,
    /// `StoreUnavailable`.
    pub async fn rotate_key_of(
        &self,
        app: Option<&AppId>,
        id: &KeyId,
        actor: Actor,
    ) -> Result<Created, AppError> {
        self.key_of(app, id).await?;
        self.rotate_key(id, actor).await
    }
}
