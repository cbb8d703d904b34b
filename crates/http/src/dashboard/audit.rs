//! The audit log: who did what, newest first, with filters.

use super::desk::Desk;
use super::pager::{Pager, turn};
use super::shell::Shell;
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::trail::{TrailFilter, TrailPage};

/// Entries on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "dashboard/audit.html")]
struct AuditPage {
    shell: Shell,
    action: String,
    actor: String,
    subject: String,
    filtered: bool,
    entries: Vec<Entry>,
    cut_short: bool,
    /// Whether it was turned back to.
    back: bool,
    pager: Pager,
}

/// An entry as pages show it.
pub(super) struct Entry {
    pub when: When,
    pub actor_kind: String,
    pub actor: String,
    /// Their name, or their id where there is no name.
    pub actor_name: String,
    pub action: String,
    pub subject: String,
    /// What is worth knowing, as `name: value`; empty if there is nothing.
    pub detail: String,
    pub request: String,
}

/// Entries with the names of who acted.
pub(super) fn entries(desk: &Desk, trail: TrailPage) -> Vec<Entry> {
    let TrailPage { entries, names, .. } = trail;
    let shown = entries.into_iter().map(|entry| {
        let actor = entry.actor.unwrap_or_default();
        let name = names.get(&actor).cloned().filter(|name| !name.is_empty());
        Entry {
            when: desk.when(entry.created_at),
            actor_name: name
                .unwrap_or_else(|| if actor.is_empty() { entry.actor_kind.clone() } else { actor.clone() }),
            actor_kind: entry.actor_kind,
            actor,
            action: entry.action,
            subject: entry.subject,
            detail: told(&entry.detail),
            request: entry.request.unwrap_or_default(),
        }
    });
    shown.collect()
}

/// A JSON object as a line of text.
fn told(detail: &str) -> String {
    let Ok(serde_json::Value::Object(detail)) = serde_json::from_str(detail) else { return String::new() };
    let parts = detail.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
        serde_json::Value::String(text) => format!("{name}: {text}"),
        serde_json::Value::Array(items) => {
            let items =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            format!("{name}: {}", items.collect::<Vec<_>>().join(", "))
        }
        other => format!("{name}: {other}"),
    });
    parts.collect::<Vec<_>>().join(" · ")
}

/// `GET …/audit?action=&actor=&subject=&before=&after=`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let query = &desk.query;
    let filter = TrailFilter {
        action: query.text("action"),
        actor: query.text("actor"),
        subject: query.text("subject"),
    };
    let filtered = filter.action.is_some() || filter.actor.is_some() || filter.subject.is_some();
    let trail = desk.guildhall().turn_audit_trail(desk.place()?, filter, turn(&desk), PAGE).await?;
    let back = query.text("after").is_some();
    let further = if back { trail.previous } else { trail.next };
    let page = AuditPage {
        shell: desk.shell("Audit log", "audit"),
        action: query.get("action").to_owned(),
        actor: query.get("actor").to_owned(),
        subject: query.get("subject").to_owned(),
        filtered,
        back,
        cut_short: further.is_some() && trail.entries.len() < PAGE,
        pager: Pager::numbered(&desk, "/audit", trail.previous, trail.next),
        entries: entries(&desk, trail),
    };
    desk.page(&page)
}
