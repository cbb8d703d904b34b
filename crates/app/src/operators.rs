//! Operators: people who run the installation, and the one-time links that let them in.

use crate::apps::checked_name;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::audit::Actor;
use guildhall_domain::email::Email;
use guildhall_domain::ids::{OperatorId, OperatorLinkId};
use guildhall_domain::key::HashedKey;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Timestamp};
use guildhall_store::{Constraint, NewOperatorLink, Operator};
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

impl Guildhall {
    /// A link that lets its holder become the first operator.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn create_setup_link(&self) -> Result<OperatorLink, AppError> {
        self.create_link(None, Actor::Server).await
    }

    /// Creates an operator, with a link to set the password.
    ///
    /// # Errors
    /// `EmailInvalid`, `NameInvalid`, `OperatorExists`, `Busy`, `StoreUnavailable`.
    pub async fn create_operator(
        &self,
        email: &str,
        name: &str,
        actor: Actor,
    ) -> Result<(Operator, OperatorLink), AppError> {
        let email = Email::parse(email).ok_or(Code::EmailInvalid)?;
        let operator = Operator {
            id: OperatorId::new(self.chance().entropy()),
            email: email.as_given().to_owned(),
            name: checked_name(name)?,
        };
        let now = self.now();
        let (recorder, stored) = (Recorder::of(actor.clone(), None, now), operator.clone());
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let inserted = tx.operators().insert(&stored.id, &email, &stored.name, now).await;
                or_conflict(inserted, &[(Constraint::OperatorEmail, Code::OperatorExists)])?;
                recorder.audit(tx, "operator.create", stored.id.as_str(), &json!({})).await
            })
        });
        created.await?;
        let link = self.create_link(Some(operator.id.clone()), actor).await?;
        Ok((operator, link))
    }

    /// A link to set an operator's password anew.
    ///
    /// # Errors
    /// `OperatorNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn reset_operator_password(&self, email: &str, actor: Actor) -> Result<OperatorLink, AppError> {
        let email = Email::parse(email).ok_or(Code::OperatorNotFound)?;
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operators().find_by_email(&email).await?) })
        });
        let operator = found.await?.ok_or(Code::OperatorNotFound)?;
        self.create_link(Some(operator.id), actor).await
    }

    async fn create_link(
        &self,
        operator: Option<OperatorId>,
        actor: Actor,
    ) -> Result<OperatorLink, AppError> {
        let mut random = [0; 32];
        self.chance().fill(&mut random);
        let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
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
}
