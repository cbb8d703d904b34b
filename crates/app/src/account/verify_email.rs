//! Showing that an address is a member's, by a link in a mail.

use super::codes::is_usable;
use super::tries::Mailing;
use crate::auth::Visitor;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::mail;
use crate::members::{Member, payload};
use crate::record::Recorder;
use guildhall_domain::audit::Actor;
use guildhall_domain::email::Email;
use guildhall_domain::event::EventKind;
use guildhall_domain::mail::{MailKind, Values};
use guildhall_domain::one_time::{Purpose, link_hash, link_token};
use guildhall_domain::{Code, EnvironmentId};
use guildhall_store::{OneTimeCode, Tx};
use serde_json::json;
use std::sync::Arc;

/// The path that the link leads to, under the server's own address.
pub const VERIFY_EMAIL_PATH: &str = "/auth/verify-email";
/// The longest origin that is gone back to, in bytes.
const ORIGIN_BYTES_MAX: usize = 255;

/// An address that was confirmed.
pub struct ConfirmedEmail {
    /// The app's name.
    pub app: String,
    /// The site to go back to.
    pub origin: Option<String>,
}

impl Guildhall {
    /// Mails a member a link that shows that the address is its own. `origin` is the site that it
    /// comes from and goes back to.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `MemberNotFound`, `RateLimited`, `Busy`, `StoreUnavailable`.
    pub async fn send_verification(&self, visitor: &Visitor, origin: Option<&str>) -> Result<(), AppError> {
        let (member, environment, now) =
            (self.own_account(visitor).await?.member, visitor.environment(), self.now());
        let email = member.email.as_deref().and_then(Email::parse).ok_or(Code::EmailMissing)?;
        let mut random = [0; 32];
        self.chance().fill(&mut random);
        let token = link_token(random);
        let link = format!("{}{VERIFY_EMAIL_PATH}?token={token}", self.public_url());
        let code = OneTimeCode {
            environment,
            email_normal: email.normal().to_owned(),
            member: Some(member.key),
            hash: link_hash(&token),
            attempts: 0,
            origin: origin.filter(|text| is_origin(text)).map(str::to_owned),
            expires_at: now.plus_micros(Purpose::VerifyEmail.life_us()),
            used_at: None,
        };
        let tries = self.mailing(visitor, Mailing::VerifyEmail, email.normal());
        let definitions = Arc::clone(visitor.definitions());
        let sent = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.count(tx, now).await?;
                tx.one_time_codes().put(Purpose::VerifyEmail, &code, now).await?;
                let (app, to) = (&definitions.app, email.as_given());
                let minutes = Purpose::VerifyEmail.minutes();
                let values = Values { app: &app.name, email: to, code: "", link: &link, minutes };
                mail::write(tx, app, environment, MailKind::VerifyEmail, to, values, now).await
            })
        });
        sent.await?;
        self.mail_written().notify_one();
        Ok(())
    }

    /// Whether a link could still be used: what its page asks before it shows its button. Opening the
    /// page uses up nothing, because programs that look for harm in mails open every link.
    ///
    /// # Errors
    /// `LinkInvalid`, `StoreUnavailable`.
    pub async fn look_at_verification(&self, token: &str) -> Result<(), AppError> {
        let (hash, now) = (link_hash(token), self.now());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.one_time_codes().find_by_hash(hash).await?) })
        });
        let usable = found.await?.is_some_and(|code| is_usable(&code, now));
        if usable { Ok(()) } else { Err(Code::LinkInvalid.into()) }
    }

    /// Uses a link: the address is the member's from now on.
    ///
    /// # Errors
    /// `LinkInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn confirm_email(&self, token: &str) -> Result<ConfirmedEmail, AppError> {
        let (hash, now) = (link_hash(token), self.now());
        let confirmed = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let code = tx.one_time_codes().find_by_hash(hash).await?;
                let code = code.filter(|code| is_usable(code, now)).ok_or(Code::LinkInvalid)?;
                if !tx.one_time_codes().mark_used(hash, now).await? {
                    return Err(Code::LinkInvalid.into());
                }
                let member = tx.members().find_by_normal_email(code.environment, &code.email_normal).await?;
                let member = member.filter(|member| Some(member.key) == code.member);
                let mut member = member.ok_or(Code::LinkInvalid)?;
                let app = tx.environments().app_of(code.environment).await?;
                let definitions = Definitions::load(tx, &app).await?;
                let mut recorder = Recorder::of(Actor::Member(member.id.clone()), Some(app), now);
                recorder.environment = Some(code.environment);
                address_is_proved(tx, &recorder, code.environment, &definitions, &mut member).await?;
                Ok(ConfirmedEmail { app: definitions.app.name, origin: code.origin })
            })
        });
        confirmed.await
    }
}

/// Notes that an address is known to be the member's, unless it was known before.
pub(super) async fn address_is_proved(
    tx: &mut Tx,
    recorder: &Recorder,
    environment: EnvironmentId,
    definitions: &Definitions,
    member: &mut Member,
) -> Result<(), AppError> {
    if member.verified {
        return Ok(());
    }
    member.verified = true;
    tx.accounts().set_verified(member.key, true, recorder.now).await?;
    let id = member.id.as_str();
    recorder.audit(tx, "member.verify", id, &json!({})).await?;
    recorder.event(tx, environment, EventKind::MemberUpdated, id, &payload(member, definitions)).await
}

/// Whether a text is a web origin: a scheme, a host, perhaps a port, and nothing else.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    rest.is_some_and(|host| !host.is_empty() && host.bytes().all(plain)) && text.len() <= ORIGIN_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_site_and_nothing_else() {
        for good in ["https://example.com", "http://localhost:8080", "http://[::1]:3000"] {
            assert!(is_origin(good), "{good}");
        }
        let long = format!("https://{}", "a".repeat(300));
        for bad in
            ["", "https://", "javascript:alert(1)", "https://x.io/path", "https://a@b", "//x.io", &long]
        {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
