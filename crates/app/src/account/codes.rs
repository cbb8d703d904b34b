//! Codes that are mailed: sending one, and signing in with one.

use super::SignIn;
use super::session::after_log_in;
use super::tries::{Guess, Mailing};
use super::verify_email::address_is_proved;
use crate::auth::Visitor;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::mail;
use crate::members::checked_email;
use guildhall_domain::mail::{MailKind, Values};
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::one_time::{Purpose, WRONG_CODES_MAX, code_hash, is_code, six_digits};
use guildhall_domain::session::SignInMethod;
use guildhall_domain::{Code, EnvironmentId, Timestamp};
use guildhall_store::{OneTimeCode, Tx};
use std::sync::Arc;

/// So many codes are drawn, of which the first that nobody has is taken.
const CANDIDATES: usize = 8;

impl Guildhall {
    /// Mails a code to log in with to a member.
    ///
    /// # Errors
    /// `EmailInvalid`; `MemberNotFound`, which the vendor's contract wants told; `RateLimited`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn send_log_in_code(&self, visitor: &Visitor, email: &str) -> Result<(), AppError> {
        let sent = self.send_code(visitor, Purpose::LogIn, email).await?;
        if sent { Ok(()) } else { Err(Code::MemberNotFound.into()) }
    }

    /// Mails a code to sign up with to an address that no member has.
    ///
    /// # Errors
    /// `EmailInvalid`; `EmailTaken`, which the vendor's contract wants told; `RateLimited`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn send_sign_up_code(&self, visitor: &Visitor, email: &str) -> Result<(), AppError> {
        let sent = self.send_code(visitor, Purpose::SignUp, email).await?;
        if sent { Ok(()) } else { Err(Code::EmailTaken.into()) }
    }

    /// Mails a code to set a new password with. Whether there is such a member is not told.
    ///
    /// # Errors
    /// `EmailInvalid`, `RateLimited`, `Busy`, `StoreUnavailable`.
    pub async fn send_reset_code(&self, visitor: &Visitor, email: &str) -> Result<(), AppError> {
        self.send_code(visitor, Purpose::ResetPassword, email).await.map(|_| ())
    }

    /// Mails a code, if the address is a member's, or for a sign-up nobody's. False if not: that is
    /// counted as well, so the unit of work must not fail.
    async fn send_code(&self, visitor: &Visitor, purpose: Purpose, email: &str) -> Result<bool, AppError> {
        let (email, environment, now) = (checked_email(email)?, visitor.environment(), self.now());
        let (mailing, kind) = match purpose {
            Purpose::SignUp => (Mailing::SignUpCode, MailKind::SignUpCode),
            Purpose::ResetPassword => (Mailing::ResetCode, MailKind::ResetCode),
            Purpose::LogIn | Purpose::VerifyEmail => (Mailing::LogInCode, MailKind::LogInCode),
        };
        let tries = self.mailing(visitor, mailing, email.normal());
        let (candidates, definitions) = (self.draw_codes(), Arc::clone(visitor.definitions()));
        let sent = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.count(tx, now).await?;
                let member = tx.members().find_by_email(environment, &email).await?;
                if member.is_some() == (purpose == Purpose::SignUp) {
                    return Ok(false);
                }
                // To the member's own address, not to the one that was typed: they are the same
                // account, but perhaps not the same mailbox.
                let to = member.as_ref().and_then(|member| member.email.as_deref());
                let to = to.unwrap_or(email.as_given());
                let key = member.as_ref().map(|member| member.key);
                let code = put(tx, environment, purpose, email.normal(), key, candidates, now).await?;
                let app = &definitions.app;
                let (minutes, name) = (purpose.minutes(), app.name.as_str());
                let values = Values { app: name, email: to, code: &code, link: "", minutes };
                mail::write(tx, app, environment, kind, to, values, now).await?;
                Ok(true)
            })
        });
        let sent = sent.await?;
        self.mail_written().notify_one();
        Ok(sent)
    }

    /// Logs a member in that has the code which was mailed to it. So the address is its own.
    ///
    /// # Errors
    /// `EmailInvalid`, `LoginCodeInvalid`, `RateLimited`, `Busy`, `StoreUnavailable`.
    pub async fn log_in_with_code(
        &self,
        visitor: &Visitor,
        email: &str,
        code: &str,
    ) -> Result<SignIn, AppError> {
        let (email, environment, now) = (checked_email(email)?, visitor.environment(), self.now());
        let tries = self.guess(visitor, Guess::LogInCode, email.normal());
        let (beginning, code) = (self.beginning(visitor, SignInMethod::EmailCode), code.to_owned());
        let (definitions, recorder) = (Arc::clone(visitor.definitions()), visitor.access().recorder(now));
        // A wrong guess is counted, so its unit of work must not fail.
        let begun = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.count(tx, now).await?;
                if !take(tx, environment, Purpose::LogIn, email.normal(), &code, now).await? {
                    return Ok(None);
                }
                let Some(mut member) = tx.members().find_by_email(environment, &email).await? else {
                    return Ok(None);
                };
                tries.forgive(tx, now).await?;
                tx.accounts().note_sign_in(member.key, None, now).await?;
                address_is_proved(tx, &recorder, environment, &definitions, &mut member).await?;
                beginning.store(tx, member).await.map(Some)
            })
        });
        let begun = begun.await?.ok_or(Code::LoginCodeInvalid)?;
        self.signed_in(visitor, begun, after_log_in).await
    }

    fn draw_codes(&self) -> [String; CANDIDATES] {
        std::array::from_fn(|_| {
            let mut random = [0; 8];
            self.chance().fill(&mut random);
            six_digits(random)
        })
    }
}

/// Stores the first candidate that is nobody's code, in place of the address's older one.
async fn put(
    tx: &mut Tx,
    environment: EnvironmentId,
    purpose: Purpose,
    email_normal: &str,
    member: Option<MemberKey>,
    candidates: [String; CANDIDATES],
    now: Timestamp,
) -> Result<String, AppError> {
    for code in candidates {
        let hash = code_hash(environment, purpose, email_normal, &code);
        if tx.one_time_codes().find_by_hash(hash).await?.is_some() {
            continue;
        }
        let stored = OneTimeCode {
            environment,
            email_normal: email_normal.to_owned(),
            member,
            hash,
            attempts: 0,
            origin: None,
            expires_at: now.plus_micros(purpose.life_us()),
            used_at: None,
        };
        let put = tx.one_time_codes().put(purpose, &stored, now).await;
        crate::error::or_conflict(put, &[(guildhall_store::Constraint::CodeHash, Code::Busy)])?;
        return Ok(code);
    }
    Err(Code::Busy.into())
}

/// Uses up the code that was mailed to an address. False if it is another, used, expired, or dead
/// after too many guesses; a wrong guess is counted.
pub(super) async fn take(
    tx: &mut Tx,
    environment: EnvironmentId,
    purpose: Purpose,
    email_normal: &str,
    code: &str,
    now: Timestamp,
) -> Result<bool, AppError> {
    let Some(stored) = tx.one_time_codes().find_locked(environment, purpose, email_normal).await? else {
        return Ok(false);
    };
    let hash = code_hash(environment, purpose, email_normal, code.trim());
    if !is_code(code.trim()) || hash != stored.hash {
        tx.one_time_codes().count_wrong(environment, purpose, email_normal).await?;
        return Ok(false);
    }
    if !is_usable(&stored, now) || stored.attempts >= WRONG_CODES_MAX {
        return Ok(false);
    }
    Ok(tx.one_time_codes().mark_used(hash, now).await?)
}

/// Whether a code has neither been used nor expired.
pub(super) fn is_usable(code: &OneTimeCode, now: Timestamp) -> bool {
    code.used_at.is_none() && now < code.expires_at
}
