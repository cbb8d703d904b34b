//! Logging in with a password.

use super::SignIn;
use super::session::after_log_in;
use super::tries::Guess;
use crate::auth::Visitor;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::{Proof, checked_email};
use crate::passwords::Password;
use guildhall_domain::Code;
use guildhall_domain::session::SignInMethod;

impl Guildhall {
    /// Logs a member in. An unknown address and a wrong password are told in the same words after
    /// the same work.
    ///
    /// # Errors
    /// `EmailInvalid`, `PasswordTooLong`, `CredentialsInvalid`, `PasswordNotSet`, `RateLimited`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn log_in(
        &self,
        visitor: &Visitor,
        email: &str,
        password: Password,
    ) -> Result<SignIn, AppError> {
        let (email, environment) = (checked_email(email)?, visitor.environment());
        let place = self.password_place(environment)?;
        let tries = self.guess(visitor, Guess::Password, email.normal());
        self.count(&tries).await?;
        let (key, hash) = match self.prove_password(place, environment, &email, password).await? {
            Proof::Right { member, hash } => (member, hash),
            Proof::Wrong => return Err(Code::CredentialsInvalid.into()),
            Proof::NotSet => return Err(Code::PasswordNotSet.into()),
        };
        let (beginning, now) = (self.beginning(visitor, SignInMethod::Password), self.now());
        let begun = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                // The password may have been changed, or the member deleted, while it was hashed.
                tx.accounts().lock(key).await?;
                if !tx.accounts().note_sign_in(key, Some(&hash), now).await? {
                    return Err(Code::CredentialsInvalid.into());
                }
                let member = tx.members().find_by_email(environment, &email).await?;
                let member = member.filter(|member| member.key == key).ok_or(Code::CredentialsInvalid)?;
                tries.forgive(tx, now).await?;
                beginning.store(tx, member).await
            })
        });
        self.signed_in(visitor, begun.await?, after_log_in).await
    }
}
