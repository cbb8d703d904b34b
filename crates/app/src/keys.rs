//! API keys: creating, importing, listing and revoking.

mod usage;

pub use usage::{CALLS_DAYS, KeyCalls};

use crate::apps::{checked_name, environment};
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::app::Environment;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{Key, KeyKind, PlainKey, RateLimit, STORE_KEYS_MAX};
use guildhall_domain::scope::Scopes;
use guildhall_domain::{Code, Mode, Timestamp};
use guildhall_store::{Constraint, Tx};
use ipnet::IpNet;
use serde_json::json;

/// What a key is to be.
pub struct KeyDraft {
    /// What it is for.
    pub kind: KeyKind,
    /// What its owner calls it.
    pub name: String,
    /// How often it may come.
    pub rate_limit: RateLimit,
    /// What it may do; none named: what the vendors' keys may.
    pub scopes: Scopes,
    /// Where it may come from; empty: anywhere.
    pub allowed_addresses: Vec<IpNet>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// A legacy key to import; nothing to have one made.
    pub import: Option<PlainKey>,
}

impl KeyDraft {
    /// A key as the vendors know it: no scopes, no expiry, any address, the default rate.
    pub fn named(kind: KeyKind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            rate_limit: RateLimit::Default,
            scopes: Scopes::default(),
            allowed_addresses: Vec::new(),
            expires_at: None,
            import: None,
        }
    }
}

/// A key that was just made: the only moment at which it can be shown.
pub struct Created {
    /// Its record.
    pub key: Key,
    /// The key itself.
    pub plain: PlainKey,
}

/// Where a new key belongs.
pub(crate) enum NewKeyPlace {
    Environment(AppId, Environment),
    Installation,
}

/// A key that is made but not yet stored.
pub(crate) struct Prepared {
    key: Key,
    plain: PlainKey,
}

impl Prepared {
    pub(crate) async fn store(
        mut self,
        tx: &mut Tx,
        place: NewKeyPlace,
        recorder: &Recorder,
    ) -> Result<Created, AppError> {
        tx.authority().lock().await?;
        if let NewKeyPlace::Environment(app, environment) = place {
            if self.key.kind == KeyKind::Store {
                let active = tx.keys().count_active(&app, KeyKind::Store, recorder.now).await?;
                if active >= STORE_KEYS_MAX as i64 {
                    return Err(Code::KeyLimitReached.into());
                }
            }
            self.key.app = Some(app);
            self.key.environment = Some((environment.id, environment.mode));
        }
        or_conflict(tx.keys().insert(&self.key).await, &[(Constraint::KeyHash, Code::KeyExists)])?;
        tx.authority().bump().await?;
        let action = if self.key.imported { "key.import" } else { "key.create" };
        let detail = json!({
            "name": self.key.name, "kind": self.key.kind.as_str(),
            "environment": self.key.environment.map(|(_, mode)| mode.as_str()),
        });
        recorder.audit(tx, action, self.key.id.as_str(), &detail).await?;
        Ok(Created { key: self.key, plain: self.plain })
    }
}

impl Guildhall {
    /// Creates or imports a key of an app.
    ///
    /// # Errors
    /// `AppNotFound`, `NameInvalid`, `InputInvalid` (kind, expiry), `KeyLimitReached`, `KeyExists`,
    /// `Busy`, `StoreUnavailable`.
    pub async fn create_key(
        &self,
        app: &AppId,
        mode: Mode,
        draft: KeyDraft,
        actor: Actor,
    ) -> Result<Created, AppError> {
        if draft.kind == KeyKind::Partner {
            return Err(AppError::because(
                Code::InputInvalid,
                "Partner keys belong to no app: use `partner create`.",
            ));
        }
        if draft.import.is_some() && !matches!(draft.kind, KeyKind::Secret | KeyKind::Store) {
            return Err(AppError::because(Code::InputInvalid, "Only secret and store keys can be imported."));
        }
        let prepared = self.prepare_key(Some(mode), draft)?;
        let recorder = Recorder::of(actor, Some(app.clone()), self.now());
        let app = app.clone();
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let environment = environment(tx, &app, mode).await?;
                prepared.store(tx, NewKeyPlace::Environment(app, environment), &recorder).await
            })
        });
        created.await
    }

    /// Creates a partner key, valid beside any store key of the installation.
    ///
    /// # Errors
    /// `NameInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn create_partner(&self, name: &str, actor: Actor) -> Result<Created, AppError> {
        let prepared = self.prepare_key(None, KeyDraft::named(KeyKind::Partner, name))?;
        let recorder = Recorder::of(actor, None, self.now());
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { prepared.store(tx, NewKeyPlace::Installation, &recorder).await })
        });
        created.await
    }

    /// The keys of an app, or the partner keys, oldest first.
    ///
    /// # Errors
    /// `AppNotFound`, `StoreUnavailable`.
    pub async fn list_keys(&self, app: Option<&AppId>) -> Result<Vec<Key>, AppError> {
        let app = app.cloned();
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if let Some(app) = &app {
                    tx.apps().find(app).await?.ok_or(Code::AppNotFound)?;
                }
                Ok(tx.keys().list(app.as_ref()).await?)
            })
        });
        listed.await
    }

    /// Revokes a key. It is refused from the next request on; the others are left alone. Revoking
    /// a revoked key changes nothing.
    ///
    /// # Errors
    /// `KeyNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn revoke_key(&self, id: &KeyId, actor: Actor) -> Result<Key, AppError> {
        let (id, now) = (id.clone(), self.now());
        let revoked = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.authority().lock().await?;
                if tx.keys().revoke(&id, now).await? {
                    tx.authority().bump().await?;
                    let app = tx.keys().find(&id).await?.and_then(|key| key.app);
                    let recorder = Recorder::of(actor, app, now);
                    recorder.audit(tx, "key.revoke", id.as_str(), &json!({})).await?;
                }
                tx.keys().find(&id).await?.ok_or_else(|| Code::KeyNotFound.into())
            })
        });
        revoked.await
    }

    /// Creates a key like another one. Both work until the old one is revoked.
    ///
    /// # Errors
    /// `KeyNotFound`, `KeyLimitReached`, `InputInvalid` if the old one has expired, `Busy`,
    /// `StoreUnavailable`.
    pub async fn rotate_key(&self, id: &KeyId, actor: Actor) -> Result<Created, AppError> {
        let wanted = id.clone();
        let found = self
            .store()
            .read::<_, AppError, _>(move |tx| Box::pin(async move { Ok(tx.keys().find(&wanted).await?) }));
        let old = found.await?.filter(|key| key.revoked_at.is_none()).ok_or(Code::KeyNotFound)?;
        let draft = KeyDraft {
            kind: old.kind,
            name: old.name,
            rate_limit: old.rate_limit,
            scopes: old.scopes,
            allowed_addresses: old.allowed_addresses,
            expires_at: old.expires_at,
            import: None,
        };
        let prepared = self.prepare_key(old.environment.map(|(_, mode)| mode), draft)?;
        let recorder = Recorder::of(actor, old.app.clone(), self.now());
        let place = match (old.app, old.environment) {
            (Some(app), Some((id, mode))) => NewKeyPlace::Environment(app, Environment { id, mode }),
            _ => NewKeyPlace::Installation,
        };
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { prepared.store(tx, place, &recorder).await })
        });
        created.await
    }

    /// Makes a key's record. Names and dates are judged here.
    pub(crate) fn prepare_key(&self, mode: Option<Mode>, draft: KeyDraft) -> Result<Prepared, AppError> {
        let now = self.now();
        if draft.expires_at.is_some_and(|end| end <= now) {
            return Err(AppError::because(Code::InputInvalid, "A key's expiry must lie in the future."));
        }
        let imported = draft.import.is_some();
        let plain = match draft.import {
            Some(plain) => plain,
            None => self.generate_key(draft.kind, mode),
        };
        let key = Key {
            id: KeyId::new(self.chance().entropy()),
            app: None,
            environment: None,
            kind: draft.kind,
            name: checked_name(&draft.name)?,
            hash: plain.hash(),
            start: plain.start(),
            imported,
            scopes: draft.scopes,
            allowed_addresses: draft.allowed_addresses,
            rate_limit: draft.rate_limit,
            created_at: now,
            last_used_at: None,
            expires_at: draft.expires_at,
            revoked_at: None,
        };
        Ok(Prepared { key, plain })
    }

    fn generate_key(&self, kind: KeyKind, mode: Option<Mode>) -> PlainKey {
        loop {
            // 64 bytes fall short of 32 usable letters only if half of them are among the 3 % that
            // are skipped; then fresh ones are drawn.
            let mut random = [0; 64];
            self.chance().fill(&mut random);
            if let Some(plain) = PlainKey::generate(kind, mode, &random) {
                return plain;
            }
        }
    }
}
