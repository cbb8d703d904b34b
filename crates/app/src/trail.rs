//! What happened, for people: the audit trail and the events, newest first.

use crate::auth::{Access, OperatorAccess};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::ids::{AppId, KeyId, OperatorId};
use guildhall_domain::operator::Role;
use guildhall_store::Tx;
use std::collections::HashMap;

pub use guildhall_store::{AuditRecord, Event};

/// Entries that are looked at for one page at most.
pub const EXAMINED_MAX: usize = 5_000;
/// Entries that are read at a time.
const CHUNK: i64 = 500;

/// Which entries are wanted. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct TrailFilter {
    /// How the action begins: a noun, such as `member`, or a noun and a verb.
    pub action: Option<String>,
    /// The id of who did it, or the kind of actor.
    pub actor: Option<String>,
    /// The id of what it was done to.
    pub subject: Option<String>,
}

/// A part of the audit trail.
#[derive(Debug)]
pub struct TrailPage {
    /// The entries, newest first.
    pub entries: Vec<AuditRecord>,
    /// Names of the operators and keys that acted, by id.
    pub names: HashMap<String, String>,
    /// The number before which the next page begins; nothing if all were looked at.
    pub next: Option<i64>,
}

impl TrailFilter {
    fn matches(&self, entry: &AuditRecord) -> bool {
        let action = |wanted: &String| {
            let rest = entry.action.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let actor = |wanted: &String| entry.actor.as_ref() == Some(wanted) || entry.actor_kind == *wanted;
        self.action.as_ref().is_none_or(action) && self.actor.as_ref().is_none_or(actor)
    }
}

impl Guildhall {
    /// A part of an app's audit trail before a number.
    ///
    /// # Errors
    /// `RoleMissing`, `StoreUnavailable`.
    pub async fn audit_trail(
        &self,
        access: &OperatorAccess,
        filter: TrailFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<TrailPage, AppError> {
        let (app, _) = access.manage(Role::ReadOnly)?;
        let app = app.clone();
        if filter.subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Ok(TrailPage { entries: Vec::new(), names: HashMap::new(), next: None });
        }
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let (mut entries, mut before, mut examined) = (Vec::new(), before, 0);
                let next = 'found: loop {
                    let read = match &filter.subject {
                        Some(subject) => tx.audit().page_of_subject(&app, subject, before, CHUNK).await?,
                        None => tx.audit().page(&app, before, CHUNK).await?,
                    };
                    let ended = (read.len() as i64) < CHUNK;
                    for entry in read {
                        if entries.len() >= limit {
                            break 'found before;
                        }
                        examined += 1;
                        before = Some(entry.number);
                        if filter.matches(&entry) {
                            entries.push(entry);
                        }
                    }
                    if ended {
                        break None;
                    }
                    if examined >= EXAMINED_MAX {
                        break before;
                    }
                };
                let names = names(tx, &app, &entries).await?;
                Ok(TrailPage { entries, names, next })
            })
        });
        found.await
    }

    /// A part of the environment's events before a number, newest first, and whether there are more;
    /// only those about one subject, if one is named.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn page_of_events(
        &self,
        access: &Access<'_>,
        subject: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<(Vec<Event>, bool), AppError> {
        let (environment, subject) = (access.environment(), subject.map(str::to_owned));
        if subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Ok((Vec::new(), false));
        }
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                Ok(tx.events().page(environment, subject.as_deref(), before, limit + 1).await?)
            })
        });
        let mut events = found.await?;
        let more = events.len() as i64 > limit;
        events.truncate(usize::try_from(limit).unwrap_or(0));
        Ok((events, more))
    }
}

/// What can be no subject never reaches a statement: PostgreSQL refuses some texts outright.
fn is_subject(text: &str) -> bool {
    text.len() <= 200 && !text.chars().any(char::is_control)
}

/// The names of the operators and keys that acted, each looked up once.
async fn names(
    tx: &mut Tx,
    app: &AppId,
    entries: &[AuditRecord],
) -> Result<HashMap<String, String>, AppError> {
    let mut names = HashMap::new();
    for entry in entries {
        let Some(id) = entry.actor.as_deref().filter(|id| !names.contains_key(*id)) else { continue };
        let name = match entry.actor_kind.as_str() {
            "operator" => {
                tx.operators().find(&OperatorId::from_text(id)).await?.map(|operator| operator.name)
            }
            "key" => {
                let key = tx.keys().find(&KeyId::from_text(id)).await?;
                key.filter(|key| key.app.as_ref() == Some(app)).map(|key| key.name)
            }
            _ => None,
        };
        names.insert(id.to_owned(), name.unwrap_or_default());
    }
    names.retain(|_, name| !name.is_empty());
    Ok(names)
}
