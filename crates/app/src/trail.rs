//! What happened, for people: the audit trail and the events, newest first.

use crate::auth::{Access, OperatorAccess};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::paging::{Leaf, Turn};
use guildhall_domain::ids::{AppId, KeyId, OperatorId};
use guildhall_domain::operator::Role;
use guildhall_store::{Part, Tx};
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
    /// What [`Turn::Newer`] takes for the page before; nothing on the first.
    pub previous: Option<i64>,
    /// What [`Turn::Older`] takes for the page after; nothing if all were looked at.
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
        self.turn_audit_trail(access, filter, Turn::of(before, None), limit).await
    }

    /// A page of an app's audit trail.
    ///
    /// # Errors
    /// `RoleMissing`, `StoreUnavailable`.
    pub async fn turn_audit_trail(
        &self,
        access: &OperatorAccess,
        filter: TrailFilter,
        turn: Turn,
        limit: usize,
    ) -> Result<TrailPage, AppError> {
        let (app, _) = access.manage(Role::ReadOnly)?;
        let app = app.clone();
        if filter.subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            let (previous, next) = (None, None);
            return Ok(TrailPage { entries: Vec::new(), names: HashMap::new(), previous, next });
        }
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut walk = walk(tx, &app, &filter, turn, limit).await?;
                // Going back came to the beginning: the first page is the one.
                if turn.goes_back() && walk.further.is_none() && walk.entries.len() < limit {
                    walk = self::walk(tx, &app, &filter, Turn::First, limit).await?;
                }
                let names = names(tx, &app, &walk.entries).await?;
                let (previous, next) = walk.neighbours();
                Ok(TrailPage { entries: walk.entries, names, previous, next })
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
        let leaf = self.turn_events(access, subject, Turn::of(before, None), limit).await?;
        Ok((leaf.items, leaf.older.is_some()))
    }

    /// A page of the environment's events; only those about one subject, if one is named.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn turn_events(
        &self,
        access: &Access<'_>,
        subject: Option<&str>,
        turn: Turn,
        limit: i64,
    ) -> Result<Leaf<Event>, AppError> {
        let (environment, subject) = (access.environment(), subject.map(str::to_owned));
        if subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Ok(Leaf { items: Vec::new(), newer: None, older: None });
        }
        let fit = usize::try_from(limit).unwrap_or(0);
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut turn = turn;
                loop {
                    let read =
                        tx.events().page(environment, subject.as_deref(), turn.part(), limit + 1).await?;
                    match Leaf::of(read, turn, fit, |event| event.number) {
                        Some(leaf) => return Ok(leaf),
                        None => turn = Turn::First,
                    }
                }
            })
        });
        found.await
    }
}

/// A page on its way: what was found, and how far was looked.
struct Walk {
    turn: Turn,
    /// Newest first.
    entries: Vec<AuditRecord>,
    /// The number that was looked at last.
    reached: Option<i64>,
    /// Where the walk can go on; nothing if all that lies that way was looked at.
    further: Option<i64>,
}

impl Walk {
    /// Where the pages before and after begin.
    fn neighbours(&self) -> (Option<i64>, Option<i64>) {
        let end = |entry: Option<&AuditRecord>| entry.map(|entry| entry.number).or(self.reached);
        match self.turn {
            Turn::First => (None, self.further),
            Turn::Older(_) => (end(self.entries.first()).or(self.turn.before_nothing()), self.further),
            Turn::Newer(_) => (self.further, end(self.entries.last())),
        }
    }
}

/// Looks for entries from a number on, until a page is full, all were looked at, or too many.
async fn walk(
    tx: &mut Tx,
    app: &AppId,
    filter: &TrailFilter,
    turn: Turn,
    limit: usize,
) -> Result<Walk, AppError> {
    let mut walk = Walk { turn, entries: Vec::new(), reached: None, further: None };
    let (mut part, mut examined) = (turn.part(), 0);
    'looking: loop {
        let read = match &filter.subject {
            Some(subject) => tx.audit().page_of_subject(app, subject, part, CHUNK).await?,
            None => tx.audit().page(app, part, CHUNK).await?,
        };
        let ended = (read.len() as i64) < CHUNK;
        for entry in read {
            examined += 1;
            let matches = filter.matches(&entry);
            // A page that is full is looked beyond: a link that leads to nothing helps nobody.
            if matches && walk.entries.len() >= limit {
                walk.further = walk.reached;
                break 'looking;
            }
            walk.reached = Some(entry.number);
            part = if turn.goes_back() { Part::After(entry.number) } else { Part::Before(entry.number) };
            if matches {
                walk.entries.push(entry);
            }
        }
        if ended {
            break;
        }
        if examined >= EXAMINED_MAX {
            walk.further = walk.reached;
            break;
        }
    }
    if turn.goes_back() {
        walk.entries.reverse();
    }
    Ok(walk)
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
