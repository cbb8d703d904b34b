//! Who presents a store key, and whether it may be used directly or needs a partner's key beside it.

use super::Presented;
use super::caller::Caller;
use super::identities::Identity;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::key::KeyKind;
use std::net::IpAddr;
use std::sync::Arc;

impl Guildhall {
    /// Finds out who presents a store key. A partner's key, if there is one, is judged first: a wrong one
    /// is not made up for by a good store key. Only the store key's limit counts.
    ///
    /// # Errors
    /// As [`Guildhall::identify`], for either key; `ApiAccessOff` if the app's store keys need a partner's
    /// beside them and there is none.
    pub async fn identify_store(
        &self,
        presented: Presented<'_>,
        partner: Option<&str>,
    ) -> Result<Caller, AppError> {
        let partner = self.partner(presented.address, partner).await?;
        let identity = self.identity(presented, KeyKind::Store).await?;
        let rate = self.admit(&identity).await?;
        check_access(&identity, partner.as_ref())?;
        Ok(Caller::new(identity, rate).beside(partner))
    }

    /// Looks at a caller again after it took its time over a body: what was revoked or changed since
    /// counts. Its rate is not asked a second time.
    ///
    /// # Errors
    /// As [`Guildhall::identify_store`].
    pub async fn identify_store_again(
        &self,
        caller: Caller,
        presented: Presented<'_>,
        partner: Option<&str>,
    ) -> Result<Caller, AppError> {
        let partner = self.partner(presented.address, partner).await?;
        let identity = self.identity(presented, KeyKind::Store).await?;
        check_access(&identity, partner.as_ref())?;
        Ok(caller.with_identity(identity).beside(partner))
    }

    async fn partner(&self, address: IpAddr, text: Option<&str>) -> Result<Option<Arc<Identity>>, AppError> {
        match text {
            None => Ok(None),
            Some(_) => self.identity(Presented { key: text, address }, KeyKind::Partner).await.map(Some),
        }
    }
}

fn check_access(identity: &Identity, partner: Option<&Arc<Identity>>) -> Result<(), AppError> {
    let direct = identity.definitions.as_ref().is_some_and(|definitions| definitions.app.api_access);
    if direct || partner.is_some() { Ok(()) } else { Err(Code::ApiAccessOff.into()) }
}
