//! Events: what happened to members, as webhooks will tell it.

use super::desk::Desk;
use super::pager::{Pager, turn};
use super::shell::Shell;
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::trail::Event;
use guildhall_domain::scope::Action;

/// Events on a page. Each carries its whole payload.
const PAGE: i64 = 25;
/// Of a longer payload only the beginning is shown, in characters.
const PAYLOAD_CHARS_MAX: usize = 2_000;

#[derive(Template)]
#[template(path = "dashboard/events.html")]
struct EventsPage {
    shell: Shell,
    subject: String,
    events: Vec<EventRow>,
    pager: Pager,
}

/// An event as pages show it.
pub(super) struct EventRow {
    pub number: i64,
    pub kind: String,
    pub subject: String,
    pub when: When,
    pub payload: String,
    /// Whether the payload is longer than what is shown.
    pub cut: bool,
}

impl EventRow {
    pub fn of(event: Event, desk: &Desk) -> Self {
        let value = serde_json::from_str::<serde_json::Value>(&event.payload).unwrap_or_default();
        let whole = serde_json::to_string_pretty(&value).unwrap_or_default();
        let payload: String = whole.chars().take(PAYLOAD_CHARS_MAX).collect();
        Self {
            cut: payload.len() < whole.len(),
            payload,
            number: event.number,
            kind: event.kind,
            subject: event.subject,
            when: desk.when(event.created_at),
        }
    }
}

/// `GET …/events?subject=&before=&after=`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let subject = desk.query.text("subject");
    let leaf = desk.guildhall().turn_events(&access, subject.as_deref(), turn(&desk), PAGE).await?;
    let page = EventsPage {
        shell: desk.shell("Events", "events"),
        subject: subject.unwrap_or_default(),
        pager: Pager::numbered(&desk, "/events", leaf.newer, leaf.older),
        events: leaf.items.into_iter().map(|event| EventRow::of(event, &desk)).collect(),
    };
    desk.page(&page)
}
