//! Checking a member's password, whatever algorithm it was hashed with.

use super::{Member, values};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::passwords::{Password, PasswordHash, PasswordPlace, Verdict};
use guildhall_domain::EnvironmentId;
use guildhall_domain::email::Email;
use guildhall_domain::member_id::MemberKey;

/// What became of a password.
pub(crate) enum Proof {
    /// It is this member's, who has this hash of it stored.
    Right { member: MemberKey, hash: String },
    /// It is not the member's, or there is no such member.
    Wrong,
    /// The member has no password.
    NotSet,
}

impl Guildhall {
    /// The member with this address and password; nothing if there is none or the password is
    /// another. Both take the same time. A hash that was imported, or made with older
    /// parameters, is replaced by one of today's.
    ///
    /// # Errors
    /// `EmailInvalid`, `PasswordTooLong`, `Busy`, `StoreUnavailable`.
    pub async fn check_password(
        &self,
        access: &Access<'_>,
        email: &str,
        password: Password,
    ) -> Result<Option<Member>, AppError> {
        let (environment, email) = (access.environment(), values::email(email)?);
        let place = self.password_place(environment)?;
        match self.prove_password(place, environment, &email, password).await? {
            Proof::Right { .. } => self.member_by_email(access, email).await,
            Proof::Wrong | Proof::NotSet => Ok(None),
        }
    }

    /// A place in the line for one password, in which environments take turns. Whoever counts attempts
    /// asks for it first: one that could not be made for lack of room must not be held against anybody,
    /// and turning it away must cost us little.
    ///
    /// # Errors
    /// `Busy`.
    pub(crate) fn password_place(&self, environment: EnvironmentId) -> Result<PasswordPlace<'_>, AppError> {
        Ok(self.passwords().place(environment.number())?)
    }

    /// Judges a password for an address. Exactly one hash is computed, whether there is such a member
    /// and whether it has a password or not.
    pub(crate) async fn prove_password(
        &self,
        place: PasswordPlace<'_>,
        environment: EnvironmentId,
        email: &Email,
        password: Password,
    ) -> Result<Proof, AppError> {
        let wanted = email.clone();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().find_password(environment, &wanted).await?) })
        });
        match found.await? {
            Some((member, Some(hash))) => self.prove_stored(place, member, hash, password).await,
            absent => {
                place.verify_absent(password).await?;
                Ok(absent.map_or(Proof::Wrong, |_| Proof::NotSet))
            }
        }
    }

    /// Judges a password by a member's stored hash, which is replaced if it is not as today's are.
    pub(crate) async fn prove_stored(
        &self,
        place: PasswordPlace<'_>,
        member: MemberKey,
        stored: String,
        password: Password,
    ) -> Result<Proof, AppError> {
        let hash = PasswordHash::parse(&stored)?;
        let better = match place.verify(hash, password, self.chance().entropy()).await? {
            Verdict::Wrong => return Ok(Proof::Wrong),
            Verdict::Right { upgrade: None } => return Ok(Proof::Right { member, hash: stored }),
            Verdict::Right { upgrade: Some(better) } => better.as_str().to_owned(),
        };
        let hash = better.clone();
        let upgraded = self.store().write_aside::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().upgrade_password(member, &stored, &better).await?) })
        });
        upgraded.await?;
        Ok(Proof::Right { member, hash })
    }

    async fn member_by_email(&self, access: &Access<'_>, email: Email) -> Result<Option<Member>, AppError> {
        let environment = access.environment();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().find_by_email(environment, &email).await?) })
        });
        found.await
    }
}
