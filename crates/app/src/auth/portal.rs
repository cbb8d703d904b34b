//! Somebody in the customer portal: a member who came by a link, and nothing beside that member's own memberships.
//!
//! Like a [`Visitor`](super::Visitor) it is no [`Caller`](super::Caller): it opens only the use cases that say so by
//! taking a `PortalVisit`, and those look at whose a contract is before they show or change it.

use super::Access;
use super::caller::Who;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::app::Environment;
use guildhall_domain::audit::Actor;
use guildhall_domain::key::HashedKey;
use guildhall_domain::member_id::{MemberId, MemberKey};
use guildhall_domain::portal::{PortalPowers, portal_form_mark, portal_token_hash};
use guildhall_domain::{App, Code, Mode, Timestamp};
use std::sync::Arc;

/// A member who came by a link that works.
pub struct PortalVisit {
    definitions: Arc<Definitions>,
    environment: Environment,
    member: MemberKey,
    member_id: MemberId,
    email: Option<String>,
    powers: PortalPowers,
    expires_at: Timestamp,
    hash: HashedKey,
    form_mark: String,
    request: String,
}

impl PortalVisit {
    /// The app whose memberships they are.
    pub fn app(&self) -> &App {
        &self.definitions.app
    }

    /// Live or sandbox.
    pub fn mode(&self) -> Mode {
        self.environment.mode
    }

    /// The member's address.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// What the link opens beside looking.
    pub fn powers(&self) -> PortalPowers {
        self.powers
    }

    /// When the link ends by itself.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What every form of this visit carries, so that no other site can send one in its name.
    pub fn form_mark(&self) -> &str {
        &self.form_mark
    }

    pub(crate) fn member(&self) -> MemberKey {
        self.member
    }

    pub(crate) fn member_id(&self) -> &MemberId {
        &self.member_id
    }

    pub(crate) fn hash(&self) -> HashedKey {
        self.hash
    }

    /// Leave to act in the environment, for use cases that are for members in the portal.
    pub(crate) fn access(&self) -> Access<'_> {
        Access::of(Who::Portal(self), &self.definitions, self.environment)
    }

    /// For the records of what they do.
    pub(super) fn actor(&self) -> (Actor, Option<String>) {
        let request = Some(self.request.clone()).filter(|request| !request.is_empty());
        (Actor::Portal(self.member_id.clone()), request)
    }
}

impl Guildhall {
    /// Who comes with a link's token. `request` is the id that audit entries of this request carry.
    ///
    /// # Errors
    /// `PortalLinkInvalid` for what is none of our tokens, and when its member is gone or its key was revoked;
    /// `PortalLinkEnded` when it has expired or was signed out of; `StoreUnavailable`.
    pub async fn portal_visit(&self, token: &str, request: &str) -> Result<PortalVisit, AppError> {
        let hash = portal_token_hash(token).ok_or(Code::PortalLinkInvalid)?;
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.portal_tokens().find(hash).await?) })
        });
        let found = found.await?.filter(|token| token.key_revoked_at.is_none());
        let stored = found.ok_or(Code::PortalLinkInvalid)?;
        if stored.ended_at.is_some() || stored.expires_at <= self.now() {
            return Err(Code::PortalLinkEnded.into());
        }
        let (definitions, environment) = self.place_of(stored.app, stored.environment.mode).await?;
        Ok(PortalVisit {
            definitions,
            environment,
            member: stored.member,
            member_id: stored.member_id,
            email: stored.email,
            powers: stored.powers,
            expires_at: stored.expires_at,
            hash,
            form_mark: portal_form_mark(token),
            request: request.to_owned(),
        })
    }
}
