//! Links to the portal: making one, mailing one, and ending it.

use crate::account::Tries;
use crate::auth::{Access, PortalVisit};
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::mail;
use crate::members::Member;
use crate::record::Recorder;
use guildhall_domain::audit::Actor;
use guildhall_domain::email::Email;
use guildhall_domain::mail::{MailKind, Values};
use guildhall_domain::portal::{LINKS_MAX, PortalPowers, portal_token, portal_token_hash};
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, EnvironmentId, Timestamp};
use guildhall_store::{Constraint, NewPortalToken, Tx};
use serde_json::json;
use std::sync::Arc;

/// The path that a link leads to, under the server's own address.
const PORTAL_PATH: &str = "/portal";

/// Whom a link is for.
#[derive(Clone, Debug)]
pub enum PortalCustomer {
    /// The member that carries this number.
    Number(i64),
    /// The member with this address.
    Email(String),
}

/// A link that was just made: the only moment at which its token is known.
pub struct PortalLink {
    token: String,
    url: String,
    /// The number that the Appstle dialect knows the member by.
    pub customer: i64,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl PortalLink {
    /// The token, for whoever asked. Never for a log.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The address that the member opens; it holds the token.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Guildhall {
    /// Makes a link that opens one member's memberships, and no more than `powers`.
    ///
    /// # Errors
    /// `MemberNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn portal_link(
        &self,
        access: &Access<'_>,
        powers: PortalPowers,
        whom: PortalCustomer,
    ) -> Result<PortalLink, AppError> {
        let minting = self.mint(access, powers)?;
        let (token, url, expires_at) = (minting.token.clone(), minting.url(), minting.stored.expires_at);
        let made = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let member = find(tx, minting.stored.environment, &whom).await?;
                let member = member.ok_or(Code::MemberNotFound)?;
                minting.store(tx, &member, false).await?;
                Ok(tx.members().customer_number(member.key).await?)
            })
        });
        Ok(PortalLink { customer: made.await?, token, url, expires_at })
    }

    /// Mails a member a link that opens its memberships, and no more than `powers`.
    ///
    /// # Errors
    /// `MemberNotFound`; `RateLimited` when an address is sent too many; `Busy`, `StoreUnavailable`.
    pub async fn mail_portal_link(
        &self,
        access: &Access<'_>,
        powers: PortalPowers,
        email: &str,
    ) -> Result<(), AppError> {
        let email = Email::parse(email).ok_or(Code::MemberNotFound)?;
        let minting = self.mint(access, powers)?;
        let tries = Tries::at_portal_mail(
            self.limits().sign_in_attempts,
            minting.stored.environment.number(),
            email.normal(),
        );
        let (definitions, minutes) = (Arc::clone(access.definitions()), self.portal_link_minutes());
        // An address that is nobody's is counted as well, so the unit of work must not fail for it.
        let sent = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.count(tx, minting.recorder.now).await?;
                let environment = minting.stored.environment;
                let Some(member) = tx.members().find_by_email(environment, &email).await? else {
                    return Ok(false);
                };
                minting.store(tx, &member, true).await?;
                // To the member's own address, not to the one that was typed.
                let to = member.email.as_deref().unwrap_or(email.as_given());
                let (app, link) = (&definitions.app, minting.url());
                let values = Values { app: &app.name, email: to, code: "", link: &link, minutes };
                let now = minting.recorder.now;
                mail::write(tx, app, environment, MailKind::PortalLink, to, values, now).await?;
                Ok(true)
            })
        });
        if !sent.await? {
            return Err(Code::MemberNotFound.into());
        }
        self.mail_written().notify_one();
        Ok(())
    }

    /// Ends the link that somebody came by. One that has ended meanwhile is left as it is.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn end_portal_visit(&self, visit: &PortalVisit) -> Result<(), AppError> {
        let (hash, member) = (visit.hash(), visit.member_id().clone());
        let recorder = visit.access().recorder(self.now());
        let ended = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if tx.portal_tokens().end(hash, recorder.now).await? {
                    recorder.audit(tx, "portal.sign-out", member.as_str(), &json!({})).await?;
                }
                Ok(())
            })
        });
        ended.await
    }

    fn mint(&self, access: &Access<'_>, powers: PortalPowers) -> Result<Minting, AppError> {
        let now = self.now();
        let recorder = access.recorder(now);
        let mut random = [0; 32];
        self.chance().fill(&mut random);
        let token = portal_token(random);
        let hash = portal_token_hash(&token).ok_or_else(|| AppError::internal("a token that can be none"))?;
        let life_us = self.portal_link_minutes() * 60 * MICROS_PER_SECOND;
        let key = match &recorder.actor {
            Actor::Key(id) => Some(id.clone()),
            _ => None,
        };
        Ok(Minting {
            base: self.public_url().to_owned(),
            token,
            stored: NewPortalToken {
                hash,
                environment: access.environment(),
                member: guildhall_domain::member_id::MemberKey::from_stored(0),
                key,
                powers,
                expires_at: now.plus_micros(life_us),
            },
            recorder,
        })
    }
}

/// A token on its way into the database; whose it is is known last.
struct Minting {
    base: String,
    token: String,
    stored: NewPortalToken,
    recorder: Recorder,
}

impl Minting {
    fn url(&self) -> String {
        format!("{}{PORTAL_PATH}?token={}", self.base, self.token)
    }

    async fn store(&self, tx: &mut Tx, member: &Member, mailed: bool) -> Result<(), AppError> {
        // So that of many at once no more are kept than may be.
        tx.members().lock(member.key).await?;
        let token = NewPortalToken { member: member.key, ..self.stored.clone() };
        let stored = tx.portal_tokens().insert(&token, LINKS_MAX, self.recorder.now).await;
        or_conflict(stored, &[(Constraint::Reference, Code::MemberNotFound)])?;
        let detail = json!({ "mailed": mailed });
        self.recorder.audit(tx, "portal.link", member.id.as_str(), &detail).await
    }
}

async fn find(
    tx: &mut Tx,
    environment: EnvironmentId,
    whom: &PortalCustomer,
) -> Result<Option<Member>, AppError> {
    Ok(match whom {
        PortalCustomer::Number(number) => tx.members().find_by_customer_number(environment, *number).await?,
        PortalCustomer::Email(email) => match Email::parse(email) {
            Some(email) => tx.members().find_by_email(environment, &email).await?,
            None => None,
        },
    })
}
