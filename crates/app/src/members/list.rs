//! Listing members, page by page.

use super::{ListPage, Member};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::EnvironmentId;
use guildhall_domain::json::JsonObject;
use guildhall_store::Tx;

/// A page of members.
pub struct MemberList {
    /// The members.
    pub members: Vec<Member>,
    /// How many the environment has.
    pub total: i64,
    /// Whether there are more after these.
    pub has_next: bool,
}

/// Members read at a time; between two readings the size of what was read is looked at.
const CHUNK: i64 = 20;
/// A page ends early beyond this many bytes of JSON, so that a hundred large documents cannot fill
/// the memory. The cursor leads on from there.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

impl Guildhall {
    /// A page of the environment's members. Page and count are of one moment. A page whose members
    /// are very large holds fewer than asked for, and says that there are more.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn list_members(
        &self,
        access: &Access<'_>,
        page: ListPage,
        with_json: bool,
    ) -> Result<MemberList, AppError> {
        let environment = access.environment();
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let total = tx.environments().member_count(environment).await?;
                let (members, has_next) = read_page(tx, environment, page, with_json).await?;
                Ok(MemberList { members, total, has_next })
            })
        });
        listed.await
    }
}

async fn read_page(
    tx: &mut Tx,
    environment: EnvironmentId,
    page: ListPage,
    with_json: bool,
) -> Result<(Vec<Member>, bool), AppError> {
    let (mut members, mut bytes, mut after) = (Vec::new(), 0, page.after);
    loop {
        let wanted = (page.limit - members.len() as i64).min(CHUNK);
        // One more than wanted tells whether there is a next one.
        let chunk = ListPage { limit: wanted + 1, after, order: page.order };
        let mut read = tx.members().list(environment, chunk).await?;
        let has_next = read.len() as i64 > wanted;
        read.truncate(usize::try_from(wanted).unwrap_or(0));
        for mut member in read {
            if !with_json {
                member.json = JsonObject::empty();
            }
            let parts = [&member.json, &member.meta_data, &member.custom_fields];
            bytes += parts.iter().map(|part| part.as_str().len()).sum::<usize>();
            after = Some(member.key.sequence());
            members.push(member);
        }
        if !has_next || members.len() as i64 >= page.limit || bytes > PAGE_BYTES_MAX {
            return Ok((members, has_next));
        }
    }
}
