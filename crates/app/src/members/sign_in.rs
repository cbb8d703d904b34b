//! Checking a member's password, whatever algorithm it was hashed with.

use super::{Member, values};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::passwords::{Password, PasswordHash, Verdict};
use guildhall_domain::email::Email;

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
        let wanted = email.clone();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().find_password(environment, &wanted).await?) })
        });
        let Some((key, Some(stored))) = found.await? else {
            self.passwords().verify_absent(password).await?;
            return Ok(None);
        };
        let hash = PasswordHash::parse(&stored)?;
        let upgrade = match self.passwords().verify(hash, password, self.chance().entropy()).await? {
            Verdict::Wrong => return Ok(None),
            Verdict::Right { upgrade } => upgrade,
        };
        if let Some(better) = upgrade {
            let upgraded = self.store().write::<_, AppError, _>(move |tx| {
                Box::pin(
                    async move { Ok(tx.members().upgrade_password(key, &stored, better.as_str()).await?) },
                )
            });
            upgraded.await?;
        }
        self.member_by_email(access, email).await
    }

    async fn member_by_email(&self, access: &Access<'_>, email: Email) -> Result<Option<Member>, AppError> {
        let environment = access.environment();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().find_by_email(environment, &email).await?) })
        });
        found.await
    }
}
