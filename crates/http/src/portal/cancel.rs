//! Ending a membership: first what that would do, then the doing.

use super::guest::Guest;
use super::memberships::can_be_said;
use super::page::{Frame, html, redirect, refused};
use super::words::{Words, name, price};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::portal::{Cancellation, PortalChange};
use guildhall_domain::Code;

/// Why somebody leaves: the word that is kept, and what the page says.
const REASONS: [(&str, &str); 6] = [
    ("TOO_EXPENSIVE", "It is too expensive"),
    ("NOT_USED_ENOUGH", "I do not use it enough"),
    ("NOT_AS_EXPECTED", "It is not what I expected"),
    ("FOUND_ANOTHER", "I have found something else"),
    ("TECHNICAL_PROBLEMS", "There were technical problems"),
    ("OTHER", "Another reason"),
];

#[derive(Template)]
#[template(path = "portal/cancel.html")]
struct Page {
    frame: Frame,
    number: i64,
    name: String,
    price: String,
    /// Why it cannot be ended now, in the domain's words.
    refused: Option<String>,
    usable_until: Option<String>,
    resumable_until: Option<String>,
    reasons: [(&'static str, &'static str); 6],
    /// What was filled in, when the form comes back.
    reason: String,
    note: String,
    error: Option<String>,
}

/// `GET /portal/contracts/{number}/cancel`: what it would do. Nothing is changed yet.
pub(super) async fn confirm(guest: Guest) -> Result<Response, AppError> {
    html(StatusCode::OK, &read(&guest, None).await?)
}

/// `POST /portal/contracts/{number}/cancel`
pub(super) async fn cancel(guest: Guest) -> Result<Response, AppError> {
    let contract = guest.number()?;
    let done = async {
        let feedback = reason(guest.form.get("reason"))?;
        let note = guest.form.text("note");
        let change = PortalChange::Cancel { contract, feedback, note };
        guest.guildhall().change_membership(guest.visit()?, change).await
    };
    match done.await {
        Ok(()) => Ok(redirect("/portal?done=cancelled")),
        Err(error) if can_be_said(&error) => {
            let page = read(&guest, Some(error.message.to_string())).await?;
            refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// The word for a reason; nothing for nobody's business.
fn reason(given: &str) -> Result<Option<String>, AppError> {
    if given.is_empty() {
        return Ok(None);
    }
    let known = REASONS.iter().find(|(word, _)| *word == given);
    let unknown = || AppError::because(Code::InputInvalid, "Choose one of the reasons, or none.");
    known.map(|(word, _)| Some((*word).to_owned())).ok_or_else(unknown)
}

async fn read(guest: &Guest, error: Option<String>) -> Result<Page, AppError> {
    let visit = guest.visit()?;
    if !visit.powers().contracts {
        return Err(Code::PortalLinkShowsOnly.into());
    }
    let found = guest.guildhall().portal_cancellation(visit, guest.number()?).await?;
    let Cancellation { view, refused, usable_until, resumable_until } = found;
    let words = Words { zone: &visit.app().time_zone, now: guest.guildhall().now() };
    let contract = view.contract();
    // What the form was refused for is said once.
    let refused = refused.filter(|refused| error.is_none() || error.as_ref() == Some(refused));
    Ok(Page {
        frame: Frame::of(visit, "Cancel a membership"),
        number: contract.number,
        name: name(contract),
        price: price(contract),
        error: error.filter(|_| refused.is_none()),
        refused,
        usable_until: usable_until.map(|at| words.day(at)),
        resumable_until: resumable_until.map(|at| words.day(at)),
        reasons: REASONS,
        reason: guest.form.get("reason").to_owned(),
        note: guest.form.get("note").to_owned(),
    })
}
