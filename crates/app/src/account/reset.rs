//! Setting a new password with a mailed code.

use super::codes::is_usable;
use super::tries::Guess;
use super::verify_email::address_is_proved;
use crate::auth::Visitor;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::check_password;
use crate::passwords::Password;
use guildhall_domain::key::HashedKey;
use guildhall_domain::one_time::{Purpose, code_hash, is_code};
use guildhall_domain::{Code, EnvironmentId, Timestamp};
use guildhall_store::{OneTimeCode, Tx};
use serde_json::json;
use std::sync::Arc;

impl Guildhall {
    /// Sets a new password for the member that the code was mailed to, and ends all its sessions: who
    /// forgot a password may have lost it to somebody. The address is known to be the member's then.
    ///
    /// # Errors
    /// `PasswordTooShort`, `PasswordTooLong`, `ResetCodeInvalid`, `RateLimited`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn reset_password(
        &self,
        visitor: &Visitor,
        code: &str,
        password: Password,
    ) -> Result<(), AppError> {
        check_password(Some(&password))?;
        let environment = visitor.environment();
        let place = self.password_place(environment)?;
        let hash = code_hash(environment, Purpose::ResetPassword, "", code.trim());
        let tries = self.guess_at_all(visitor, Guess::ResetCode);
        let (counted, now, well_formed) = (tries.clone(), self.now(), is_code(code.trim()));
        // Looked at before the new password is hashed, so that guesses cost us little; used up after.
        let is_good = self.store().write_aside::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                counted.count(tx, now).await?;
                Ok(well_formed && find(tx, environment, hash, now).await?.is_some())
            })
        });
        if !is_good.await? {
            return Err(Code::ResetCodeInvalid.into());
        }
        let password = place.hash(password, self.chance().entropy()).await?;
        let (now, recorder) = (self.now(), visitor.access().recorder(self.now()));
        let definitions = Arc::clone(visitor.definitions());
        let reset = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let code = find(tx, environment, hash, now).await?.ok_or(Code::ResetCodeInvalid)?;
                let key = code.member.ok_or(Code::ResetCodeInvalid)?;
                tx.accounts().lock(key).await?;
                if !tx.one_time_codes().mark_used(hash, now).await? {
                    return Err(Code::ResetCodeInvalid.into());
                }
                let member = tx.members().find_by_normal_email(environment, &code.email_normal).await?;
                let mut member = member.filter(|m| m.key == key).ok_or(Code::ResetCodeInvalid)?;
                tx.members().set_password(key, password.as_str()).await?;
                let ended = tx.sessions().revoke_of_member(key, None, now).await?;
                tries.forgive(tx, now).await?;
                let detail = json!({ "sessionsEnded": ended });
                recorder.audit(tx, "member.password.reset", member.id.as_str(), &detail).await?;
                address_is_proved(tx, &recorder, environment, &definitions, &mut member).await
            })
        });
        reset.await
    }
}

/// The reset code with this hash, if it can be used.
async fn find(
    tx: &mut Tx,
    environment: EnvironmentId,
    hash: HashedKey,
    now: Timestamp,
) -> Result<Option<OneTimeCode>, AppError> {
    let found = tx.one_time_codes().find_by_hash(hash).await?;
    Ok(found.filter(|code| code.environment == environment && is_usable(code, now)))
}
