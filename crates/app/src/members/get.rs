//! Reading one member.

use super::{Member, find};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::email::Email;

impl Guildhall {
    /// A member by id, or, if the text holds an `@`, by e-mail address in any case. Nothing if
    /// the environment has none such; text that is no address at all is simply not found.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn get_member(
        &self,
        access: &Access<'_>,
        id_or_email: &str,
    ) -> Result<Option<Member>, AppError> {
        if !id_or_email.contains('@') {
            let (place, codec, id) =
                (access.place(), self.store().member_ids().clone(), id_or_email.to_owned());
            let found =
                self.store().read(move |tx| Box::pin(async move { find(tx, &codec, place, &id).await }));
            return found.await;
        }
        let Some(email) = Email::parse(id_or_email) else {
            return Ok(None);
        };
        let environment = access.environment();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.members().find_by_email(environment, &email).await?) })
        });
        found.await
    }
}
