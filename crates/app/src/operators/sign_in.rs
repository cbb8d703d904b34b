//! Signing in with a password, and changing it.

use super::{BegunSession, Origin};
use crate::account::Tries;
use crate::auth::SignedOperator;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::passwords::{Password, PasswordHash, PasswordPlace, Verdict};
use crate::record::Recorder;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::email::Email;
use guildhall_domain::ids::OperatorId;
use serde_json::json;

impl Guildhall {
    /// Begins a session for the operator with this address and password. An unknown address takes as
    /// long as a wrong password, and both are slowed down alike.
    ///
    /// # Errors
    /// `CredentialsInvalid`, `RateLimited`, `Busy`, `StoreUnavailable`.
    pub async fn sign_in_operator(
        &self,
        email: &str,
        password: Password,
        origin: Origin<'_>,
    ) -> Result<BegunSession, AppError> {
        let email = Email::parse(email).ok_or(Code::CredentialsInvalid)?;
        let tries = Tries::at_operator(self.limits().sign_in_attempts, origin.address, email.normal());
        // A place first: who is turned away because the line is full has not tried.
        let place = self.operator_password_place()?;
        self.count(&tries).await?;
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operators().find_password(&email).await?) })
        });
        let Some((operator, Some(stored))) = found.await? else {
            place.verify_absent(password).await?;
            return Err(Code::CredentialsInvalid.into());
        };
        if !self.is_operator_password(place, &operator, stored, password).await? {
            return Err(Code::CredentialsInvalid.into());
        }
        let (session, begun) = self.new_operator_session(&operator, origin);
        let (hash, now) = (begun.hash(), self.now());
        let actor = Actor::Operator(operator.clone());
        let recorder =
            Recorder { request: Some(origin.request.to_owned()), ..Recorder::of(actor, None, now) };
        let stored = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.forgive(tx, now).await?;
                tx.operator_sessions().insert(&session, hash).await?;
                let detail = json!({ "session": session.id.as_str() });
                recorder.audit(tx, "operator.sign-in", operator.as_str(), &detail).await
            })
        });
        stored.await?;
        Ok(begun)
    }

    /// Changes an operator's own password. Their other sessions end.
    ///
    /// # Errors
    /// `PasswordWrong`, `PasswordTooShort`, `RateLimited`, `Busy`, `StoreUnavailable`.
    pub async fn change_operator_password(
        &self,
        who: &SignedOperator,
        old: Password,
        new: Password,
    ) -> Result<(), AppError> {
        let (free, operator) = (self.limits().sign_in_attempts, who.id().clone());
        let tries = Tries::at_operator_change(free, operator.as_str());
        let place = self.operator_password_place()?;
        self.count(&tries).await?;
        let wanted = operator.clone();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operators().password(&wanted).await?) })
        });
        let stored = found.await?.ok_or(Code::PasswordWrong)?;
        if !self.is_operator_password(place, &operator, stored, old).await? {
            return Err(Code::PasswordWrong.into());
        }
        let hash = self.hash_operator_password(new).await?;
        let (keep, now) = (who.session().clone(), self.now());
        let recorder = Recorder { request: who.request(), ..Recorder::of(who.actor(), None, now) };
        let changed = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.forgive(tx, now).await?;
                tx.operators().set_password(&operator, hash.as_str()).await?;
                tx.operators().end_links(&operator, now).await?;
                tx.operator_sessions().revoke_all(&operator, Some(&keep), now).await?;
                recorder.audit(tx, "operator.password.change", operator.as_str(), &json!({})).await
            })
        });
        changed.await
    }

    /// Judges a password by an operator's stored hash, which is replaced if it is not as today's are.
    async fn is_operator_password(
        &self,
        place: PasswordPlace<'_>,
        operator: &OperatorId,
        stored: String,
        password: Password,
    ) -> Result<bool, AppError> {
        let hash = PasswordHash::parse(&stored)?;
        let better = match place.verify(hash, password, self.chance().entropy()).await? {
            Verdict::Wrong => return Ok(false),
            Verdict::Right { upgrade: None } => return Ok(true),
            Verdict::Right { upgrade: Some(better) } => better,
        };
        let operator = operator.clone();
        let upgraded = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                Ok(tx.operators().replace_password(&operator, &stored, better.as_str()).await?)
            })
        });
        upgraded.await?;
        Ok(true)
    }
}
