//! Looking for members, as people do: by a part of what they know, in an order they choose, page by page
//! through however many there are.
//!
//! What an index serves is found at once. What none serves is looked for in so many members at a time,
//! and the page says how far it has got, so that no question takes longer than a page may.

use super::{ListOrder, ListPage, Member};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::EnvironmentId;
use guildhall_domain::email::Email;
use guildhall_domain::ids::PlanId;
use guildhall_domain::text::fold;
use guildhall_store::Tx;
use serde_json::Value;

/// Members that are looked at for one page at most.
pub const EXAMINED_MAX: i64 = 4_000;
/// Members that are read at a time.
const CHUNK: i64 = 200;
/// After every text that begins in the same way.
const LAST_CHARACTER: char = '\u{10FFFF}';

/// In which order members are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberOrder {
    /// By creation, newest first.
    #[default]
    Newest,
    /// By creation, oldest first.
    Oldest,
    /// By address; members without one are left out.
    Email,
}

/// What is looked for. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct MemberSearch {
    /// How the address begins, in any case.
    pub email: Option<String>,
    /// A plan that is held.
    pub plan: Option<PlanId>,
    /// A custom field's key, and what its value holds, in any case.
    pub field: Option<(String, String)>,
    /// The order. A search by address goes by address, one by plan from the newest.
    pub order: MemberOrder,
    /// Where the page begins, as [`FoundMembers::next`] or [`FoundMembers::previous`] told it.
    pub after: Option<String>,
    /// Whether the page lies before that place, as the one that `previous` leads to does.
    pub back: bool,
    /// How many members at most.
    pub limit: usize,
}

/// A page of members that were found.
#[derive(Debug)]
pub struct FoundMembers {
    /// The members.
    pub members: Vec<Member>,
    /// Where to go back; nothing on the first page.
    pub previous: Option<String>,
    /// Where to go on; nothing if all were looked at.
    pub next: Option<String>,
    /// How many members were looked at for this page.
    pub examined: i64,
    /// How many members the environment has.
    pub total: i64,
}

impl MemberSearch {
    /// Whether nothing is looked for: all members are listed.
    pub fn is_everything(&self) -> bool {
        self.email.is_none() && self.plan.is_none() && self.field.is_none()
    }

    fn goes_by_address(&self) -> bool {
        self.email.is_some() || (self.order == MemberOrder::Email && self.plan.is_none())
    }

    fn matches(&self, member: &Member) -> bool {
        let holds = |plan: &PlanId| {
            member.contracts.iter().any(|contract| contract.is_held() && contract.plan.as_ref() == Some(plan))
        };
        self.plan.as_ref().is_none_or(holds)
            && self.field.as_ref().is_none_or(|(key, wanted)| has_value(member, key, wanted))
    }

    /// Where the page after this member begins.
    fn cursor(&self, member: &Member) -> String {
        if self.goes_by_address() {
            let email = member.email.as_deref().and_then(Email::parse);
            return email.map(|email| email.normal().to_owned()).unwrap_or_default();
        }
        member.key.sequence().to_string()
    }
}

fn has_value(member: &Member, key: &str, wanted: &str) -> bool {
    let fields = member.custom_fields.to_map().unwrap_or_default();
    let text = match fields.get(key) {
        None | Some(Value::Null) => return false,
        Some(Value::String(text)) => fold(text),
        Some(other) => fold(&other.to_string()),
    };
    text.contains(&fold(wanted))
}

impl Guildhall {
    /// A page of the members that are looked for.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn search_members(
        &self,
        access: &Access<'_>,
        search: MemberSearch,
    ) -> Result<FoundMembers, AppError> {
        let environment = access.environment();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let total = tx.environments().member_count(environment).await?;
                let mut search = search;
                let mut walk = walk(tx, environment, &search).await?;
                // Going back came to the beginning: the first page is the one.
                if search.back && walk.further.is_none() && walk.members.len() < search.limit {
                    (search.back, search.after) = (false, None);
                    walk = self::walk(tx, environment, &search).await?;
                }
                Ok(walk.found(&search, total))
            })
        });
        found.await
    }
}

/// A page on its way: what was found, and how far was looked.
#[derive(Default)]
struct Walk {
    /// In the order in which they were looked at.
    members: Vec<Member>,
    examined: i64,
    /// The member that was looked at last.
    reached: Option<String>,
    /// Where the walk can go on; nothing if all that lies that way was looked at.
    further: Option<String>,
}

impl Walk {
    fn found(mut self, search: &MemberSearch, total: i64) -> FoundMembers {
        if search.back {
            self.members.reverse();
        }
        let end =
            |member: Option<&Member>| member.map(|member| search.cursor(member)).or(self.reached.clone());
        let (previous, next) = match (search.back, &search.after) {
            (true, _) => (self.further.clone(), end(self.members.last())),
            (false, Some(_)) => (end(self.members.first()), self.further.clone()),
            (false, None) => (None, self.further.clone()),
        };
        FoundMembers { members: self.members, previous, next, examined: self.examined, total }
    }
}

/// Looks for members from a place on, until a page is full, all were looked at, or too many.
async fn walk(tx: &mut Tx, environment: EnvironmentId, search: &MemberSearch) -> Result<Walk, AppError> {
    let mut walk = Walk::default();
    let mut after = search.after.clone();
    loop {
        let chunk = if search.matches_all() { search.limit as i64 + 1 } else { CHUNK };
        let read = read(tx, environment, search, after.as_deref(), chunk).await?;
        let ended = (read.len() as i64) < chunk;
        for member in read {
            walk.examined += 1;
            let matches = search.matches(&member);
            // A page that is full is looked beyond: a link that leads to nobody helps nobody.
            if matches && walk.members.len() >= search.limit {
                walk.further = walk.members.last().map(|last| search.cursor(last));
                return Ok(walk);
            }
            walk.reached = Some(search.cursor(&member));
            if matches {
                walk.members.push(member);
            }
        }
        if ended {
            return Ok(walk);
        }
        if walk.examined >= EXAMINED_MAX {
            walk.further = walk.reached.clone();
            return Ok(walk);
        }
        after.clone_from(&walk.reached);
    }
}

impl MemberSearch {
    /// Whether every member that is read is one that is looked for.
    fn matches_all(&self) -> bool {
        self.field.is_none() && (self.plan.is_none() || self.email.is_none())
    }
}

async fn read(
    tx: &mut Tx,
    environment: EnvironmentId,
    search: &MemberSearch,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Member>, AppError> {
    if search.goes_by_address() {
        let (first, last) = addresses_that_begin(search.email.as_deref().unwrap_or_default());
        let after = after.map(str::to_owned);
        let (above, below, order) = match (search.back, after) {
            (true, after) => (first, after.unwrap_or(last), ListOrder::Descending),
            (false, after) => (after.unwrap_or(first), last, ListOrder::Ascending),
        };
        return Ok(tx.members().by_address(environment, (&above, &below), order, limit).await?);
    }
    let after = after.and_then(|after| after.parse().ok());
    let oldest_first = search.plan.is_none() && search.order == MemberOrder::Oldest;
    let order = if oldest_first == search.back { ListOrder::Descending } else { ListOrder::Ascending };
    let page = ListPage { limit, after, order };
    Ok(match &search.plan {
        Some(plan) => tx.members().holders(environment, plan, page).await?,
        None => tx.members().list(environment, page).await?,
    })
}

/// The bounds between which the addresses lie, in their normal form, that begin like this, in any case.
pub(crate) fn addresses_that_begin(text: &str) -> (String, String) {
    let prefix = fold(text.trim());
    // Nothing sorts right before a text but what it begins with.
    let above = if prefix.is_empty() { String::new() } else { before(&prefix) };
    (above, format!("{prefix}{LAST_CHARACTER}"))
}

/// A text right before this one and all that begin with it: an address never holds the control
/// characters that could come between.
fn before(prefix: &str) -> String {
    let mut text = prefix.to_owned();
    match text.pop().and_then(|last| char::from_u32(u32::from(last).saturating_sub(1))) {
        Some(last) => {
            text.push(last);
            text.push(LAST_CHARACTER);
            text
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_a_text_lies_between_the_bounds() {
        for prefix in ["a", "ada@", "ad", "z", "0"] {
            let (above, below) = (before(prefix), format!("{prefix}{LAST_CHARACTER}"));
            for text in [prefix.to_owned(), format!("{prefix}@x.io"), format!("{prefix}~")] {
                assert!(above < text && text < below, "{prefix} {text}");
            }
        }
        assert!(*before("b") > *"a~");
    }
}
