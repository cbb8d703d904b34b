//! One-time links: the one of the first start, and those that set an operator's password.

use super::{BegunSession, Operator, Origin, insert};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::passwords::Password;
use crate::record::Recorder;
use guildhall_domain::audit::Actor;
use guildhall_domain::email::Email;
use guildhall_domain::ids::{OperatorId, OperatorLinkId};
use guildhall_domain::key::HashedKey;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Timestamp};
use guildhall_store::NewOperatorLink;
use serde_json::json;

/// How long a link works.
const LINK_LIFE_US: i64 = 24 * 3600 * MICROS_PER_SECOND;

/// A one-time link, shown once.
pub struct OperatorLink {
    /// The token in it. Only its hash is stored.
    token: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl OperatorLink {
    /// The path under the server's own address that the link goes to.
    pub fn path(&self) -> String {
        format!("/dashboard/setup?token={}", self.token)
    }
}

/// Whom a link lets in.
#[derive(Clone, Debug)]
pub enum LinkHolder {
    /// Somebody who is to become an owner of the server: the link of the first start.
    Newcomer,
    /// An operator that there is.
    Operator(Operator),
}

impl Guildhall {
    /// A link that lets its holder become the first operator.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn create_setup_link(&self) -> Result<OperatorLink, AppError> {
        self.create_link(None, Actor::Server).await
    }

    pub(super) async fn create_link(
        &self,
        operator: Option<OperatorId>,
        actor: Actor,
    ) -> Result<OperatorLink, AppError> {
        let token = self.fresh_token();
        let now = self.now();
        let (hash, expires_at) = (HashedKey::of(&token), now.plus_micros(LINK_LIFE_US));
        let id = OperatorLinkId::new(self.chance().entropy());
        let recorder = Recorder::of(actor, None, now);
        let stored = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let link = NewOperatorLink { id: id.clone(), operator: operator.as_ref(), hash, expires_at };
                tx.operators().insert_link(link, now).await?;
                let subject = operator.as_ref().map_or(id.as_str(), OperatorId::as_str);
                recorder.audit(tx, "operator.link", subject, &json!({})).await
            })
        });
        stored.await?;
        Ok(OperatorLink { token, expires_at })
    }

    /// Whom a link would let in. Looking uses nothing up.
    ///
    /// # Errors
    /// `LinkInvalid` if it was used, has ended or is none of ours; `StoreUnavailable`.
    pub async fn look_at_operator_link(&self, token: &str) -> Result<LinkHolder, AppError> {
        let (hash, now) = (HashedKey::of(token), self.now());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let (_, operator) = tx.operators().find_link(hash, now).await?.ok_or(Code::LinkInvalid)?;
                let Some(id) = operator else { return Ok(LinkHolder::Newcomer) };
                let operator = tx.operators().find(&id).await?.ok_or(Code::LinkInvalid)?;
                Ok(LinkHolder::Operator(operator))
            })
        });
        found.await
    }

    /// Uses a link: sets the operator's password, ends their other sessions and links, and begins a
    /// session. For the link of the first start, `newcomer` is the address and the name of the operator
    /// that it makes.
    ///
    /// # Errors
    /// `LinkInvalid`, `PasswordTooShort`, `EmailInvalid`, `NameInvalid`, `OperatorExists`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn use_operator_link(
        &self,
        token: &str,
        newcomer: Option<(&str, &str)>,
        password: Password,
        origin: Origin<'_>,
    ) -> Result<BegunSession, AppError> {
        // Looked at before anything dear is done for whoever has no link.
        let holder = self.look_at_operator_link(token).await?;
        let (operator, email) = match (holder, newcomer) {
            (LinkHolder::Operator(operator), _) => (operator, None),
            (LinkHolder::Newcomer, Some((email, name))) => {
                let email = Email::parse(email).ok_or(Code::EmailInvalid)?;
                (self.new_operator(&email, name, true)?, Some(email))
            }
            (LinkHolder::Newcomer, None) => return Err(Code::EmailMissing.into()),
        };
        let password = self.hash_operator_password(password).await?;
        let (session, begun) = self.new_operator_session(&operator.id, origin);
        let (hash, now) = (HashedKey::of(token), self.now());
        let actor = Actor::Operator(operator.id.clone());
        let recorder =
            Recorder { request: Some(origin.request.to_owned()), ..Recorder::of(actor, None, now) };
        let token_hash = begun.hash();
        let used = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if !tx.operators().use_link(hash, now).await? {
                    return Err(Code::LinkInvalid.into());
                }
                if let Some(email) = email {
                    insert(tx, &operator, &email, now).await?;
                    recorder.audit(tx, "operator.create", operator.id.as_str(), &json!({})).await?;
                }
                tx.operators().set_password(&operator.id, password.as_str()).await?;
                tx.operators().end_links(&operator.id, now).await?;
                tx.operator_sessions().revoke_all(&operator.id, None, now).await?;
                tx.operator_sessions().insert(&session, token_hash).await?;
                recorder.audit(tx, "operator.password.set", operator.id.as_str(), &json!({})).await
            })
        });
        used.await?;
        Ok(begun)
    }
}
