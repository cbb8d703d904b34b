//! Listing members, page by page.

use super::{ListPage, Member};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;

/// A page of members.
pub struct MemberList {
    /// The members.
    pub members: Vec<Member>,
    /// How many the environment has.
    pub total: i64,
    /// Whether there are more after these.
    pub has_next: bool,
}

impl Guildhall {
    /// A page of the environment's members. Page and count are of one moment.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn list_members(&self, access: &Access<'_>, page: ListPage) -> Result<MemberList, AppError> {
        let environment = access.environment();
        // One more than asked for tells whether there is a next page.
        let wider = ListPage { limit: page.limit + 1, ..page };
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let total = tx.environments().member_count(environment).await?;
                Ok((tx.members().list(environment, wider).await?, total))
            })
        });
        let (mut members, total) = listed.await?;
        let limit = usize::try_from(page.limit).unwrap_or(0);
        let has_next = members.len() > limit;
        members.truncate(limit);
        Ok(MemberList { members, total, has_next })
    }
}
