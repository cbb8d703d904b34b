//! Changing one's own address and password.

use super::Account;
use super::tries::Guess;
use crate::auth::Visitor;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::mail;
use crate::members::{Member, Proof, change_email, check_password, checked_email, payload};
use crate::passwords::Password;
use crate::tokens::SignedIn;
use guildhall_domain::event::EventKind;
use guildhall_domain::mail::{MailKind, Values};
use guildhall_domain::{Code, EnvironmentId};
use guildhall_store::Tx;
use serde_json::json;
use std::sync::Arc;

/// What a member wants changed; what is `None` stays.
#[derive(Default)]
pub struct CredentialChange {
    /// Another address. It is not known to be the member's then.
    pub email: Option<String>,
    /// The password it has now; needed to change that.
    pub old_password: Option<Password>,
    /// Another password.
    pub new_password: Option<Password>,
}

/// A new password's hash, in place of the stored one.
struct NewPassword {
    old: String,
    new: String,
}

impl Guildhall {
    /// Changes the visitor's own address or password, or both. Another password ends its other
    /// sessions; another address is told to the old one.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `FieldMissing` if nothing or no old password is given,
    /// `PasswordWrong`, `PasswordNotSet`, `PasswordTooShort`, `PasswordTooLong`, `EmailInvalid`,
    /// `EmailTaken`, `RateLimited`, `Busy`, `StoreUnavailable`.
    pub async fn change_credentials(
        &self,
        visitor: &Visitor,
        change: CredentialChange,
    ) -> Result<Account, AppError> {
        let who = visitor.member()?.clone();
        if change.email.is_none() && change.new_password.is_none() {
            return Err(AppError::because(Code::FieldMissing, "Give an email or a new password."));
        }
        let email = change.email.as_deref().map(checked_email).transpose()?;
        let password = match change.new_password {
            Some(new) => Some(self.new_password(visitor, &who, change.old_password, new).await?),
            None => None,
        };
        let (environment, now) = (visitor.environment(), self.now());
        let (recorder, definitions) = (visitor.access().recorder(now), Arc::clone(visitor.definitions()));
        let changed = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut member = own_member_locked(tx, environment, &who).await?;
                let mut names = Vec::new();
                if let Some(password) = password {
                    replace_password(tx, &who, &password, now).await?;
                    names.push("password");
                }
                if let Some(email) = email {
                    let old = member.email.clone();
                    change_email(tx, &mut member, &email).await?;
                    member.verified = false;
                    tx.accounts().set_verified(member.key, false, now).await?;
                    if let Some(old) = old {
                        let app = &definitions.app;
                        let values = Values { app: &app.name, email: &old, ..Values::default() };
                        let kind = MailKind::EmailChanged;
                        mail::write(tx, app, environment, kind, &old, values, now).await?;
                    }
                    let (id, payload) = (member.id.as_str(), payload(&member, &definitions));
                    recorder.event(tx, environment, EventKind::MemberUpdated, id, &payload).await?;
                    names.push("email");
                }
                let detail = json!({ "changed": names });
                recorder.audit(tx, "member.credentials.update", member.id.as_str(), &detail).await?;
                Account::of(tx, member).await
            })
        });
        let changed = changed.await?;
        self.mail_written().notify_one();
        Ok(changed)
    }

    /// Gives a member that has no password its first.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `PasswordSet`, `PasswordTooShort`, `PasswordTooLong`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn set_password(&self, visitor: &Visitor, password: Password) -> Result<Account, AppError> {
        let who = visitor.member()?.clone();
        check_password(Some(&password))?;
        if self.stored_password(&who).await?.is_some() {
            return Err(Code::PasswordSet.into());
        }
        let place = self.password_place(visitor.environment())?;
        let hash = place.hash(password, self.chance().entropy()).await?;
        let (environment, recorder) = (visitor.environment(), visitor.access().recorder(self.now()));
        let set = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let member = own_member_locked(tx, environment, &who).await?;
                if tx.accounts().has_password(member.key).await? {
                    return Err(Code::PasswordSet.into());
                }
                tx.members().set_password(member.key, hash.as_str()).await?;
                recorder.audit(tx, "member.password.set", member.id.as_str(), &json!({})).await?;
                Account::of(tx, member).await
            })
        });
        set.await
    }

    /// Judges the old password and hashes the new one.
    async fn new_password(
        &self,
        visitor: &Visitor,
        who: &SignedIn,
        old: Option<Password>,
        new: Password,
    ) -> Result<NewPassword, AppError> {
        check_password(Some(&new))?;
        let stored = self.stored_password(who).await?.ok_or(Code::PasswordNotSet)?;
        let missing = || AppError::because(Code::FieldMissing, "oldPassword is required.");
        let old = old.ok_or_else(missing)?;
        let place = self.password_place(visitor.environment())?;
        let tries = self.guess(visitor, Guess::Password, who.id.as_str());
        self.count(&tries).await?;
        let Proof::Right { hash: old, .. } = self.prove_stored(place, who.key, stored, old).await? else {
            return Err(Code::PasswordWrong.into());
        };
        let now = self.now();
        let forgiven = self
            .store()
            .write_aside::<_, AppError, _>(move |tx| Box::pin(async move { tries.forgive(tx, now).await }));
        forgiven.await?;
        let place = self.password_place(visitor.environment())?;
        let new = place.hash(new, self.chance().entropy()).await?;
        Ok(NewPassword { old, new: new.as_str().to_owned() })
    }

    async fn stored_password(&self, who: &SignedIn) -> Result<Option<String>, AppError> {
        let key = who.key;
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.accounts().password(key).await?) })
        });
        found.await
    }
}

async fn replace_password(
    tx: &mut Tx,
    who: &SignedIn,
    password: &NewPassword,
    now: guildhall_domain::Timestamp,
) -> Result<(), AppError> {
    // Somebody else may have changed it while this one was hashed.
    if !tx.members().upgrade_password(who.key, &password.old, &password.new).await? {
        return Err(Code::PasswordWrong.into());
    }
    tx.one_time_codes().delete_of_member(who.key).await?;
    tx.sessions().revoke_of_member(who.key, Some(&who.session), now).await?;
    Ok(())
}

/// The visitor's own member, kept from others until this unit of work ends. Its session is looked at
/// again: it may have been ended since the request was let in.
async fn own_member_locked(
    tx: &mut Tx,
    environment: EnvironmentId,
    who: &SignedIn,
) -> Result<Member, AppError> {
    tx.accounts().lock(who.key).await?;
    let session = tx.sessions().find(&who.session).await?;
    if session.is_none_or(|(session, _)| session.revoked_at.is_some()) {
        return Err(Code::TokenInvalid.into());
    }
    let found = tx.members().find_by_key(environment, who.key.sequence(), who.id.as_str()).await?;
    found.ok_or_else(|| Code::TokenInvalid.into())
}
