//! A member's memberships, and what is done with them by one button each.

use super::door::set_cookie;
use super::guest::Guest;
use super::page::{Frame, html, redirect, refused, signed_out};
use super::words::{Words, amount, card_of, includes, name, outcome, price};
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::portal::{MayDo, Membership, PortalChange, PortalPage};

#[derive(Template)]
#[template(path = "portal/memberships.html")]
struct Page {
    frame: Frame,
    /// What was done right before.
    notice: Option<&'static str>,
    error: Option<String>,
    cards: Vec<Card>,
    newer: Option<usize>,
    older: Option<usize>,
}

/// A membership.
struct Card {
    number: i64,
    name: String,
    word: &'static str,
    tone: &'static str,
    sentence: String,
    facts: Vec<(&'static str, String)>,
    past: Vec<Charge>,
    may: MayDo,
    /// The number and the day of the charge that can be left out.
    skip: Option<(i64, String)>,
    /// The number and the day of the charge that can be taken back.
    unskip: Option<(i64, String)>,
}

struct Charge {
    day: String,
    amount: String,
    word: &'static str,
    tone: &'static str,
}

/// `GET /portal`
pub(super) async fn show(guest: Guest) -> Result<Response, AppError> {
    let page = guest.query.text("page").and_then(|text| text.parse().ok()).unwrap_or(1);
    html(StatusCode::OK, &read(&guest, page, notice(guest.query.get("done")), None).await?)
}

/// `POST /portal/contracts/{number}/pause`
pub(super) async fn pause(guest: Guest) -> Result<Response, AppError> {
    let change = PortalChange::Pause(guest.number()?);
    act(guest, change, "/portal?done=paused").await
}

/// `POST /portal/contracts/{number}/resume`
pub(super) async fn resume(guest: Guest) -> Result<Response, AppError> {
    let change = PortalChange::Resume(guest.number()?);
    act(guest, change, "/portal?done=resumed").await
}

/// `POST /portal/charges/{number}/skip`
pub(super) async fn skip(guest: Guest) -> Result<Response, AppError> {
    let change = PortalChange::Skip(guest.number()?);
    act(guest, change, "/portal?done=skipped").await
}

/// `POST /portal/charges/{number}/unskip`
pub(super) async fn unskip(guest: Guest) -> Result<Response, AppError> {
    let change = PortalChange::Unskip(guest.number()?);
    act(guest, change, "/portal?done=unskipped").await
}

/// `POST /portal/sign-out`
pub(super) async fn sign_out(guest: Guest) -> Result<Response, AppError> {
    guest.guildhall().end_portal_visit(guest.visit()?).await?;
    let mut response = signed_out()?;
    let cookie = set_cookie(guest.guildhall(), None);
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// Does it, and goes on; what the domain refuses is said on the page.
async fn act(guest: Guest, change: PortalChange, then: &'static str) -> Result<Response, AppError> {
    match guest.guildhall().change_membership(guest.visit()?, change).await {
        Ok(()) => Ok(redirect(then)),
        Err(error) if can_be_said(&error) => {
            let page = read(&guest, 1, None, Some(error.message.to_string())).await?;
            refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// Whether an error is one that is said on the page that it came from.
pub(super) fn can_be_said(error: &AppError) -> bool {
    matches!(error.code.status(), 400 | 403 | 409)
}

async fn read(
    guest: &Guest,
    page: usize,
    notice: Option<&'static str>,
    error: Option<String>,
) -> Result<Page, AppError> {
    let visit = guest.visit()?;
    let PortalPage { memberships, page, more, now } = guest.guildhall().portal_page(visit, page).await?;
    let words = Words { zone: &visit.app().time_zone, now };
    Ok(Page {
        frame: Frame::of(visit, "Your memberships"),
        notice,
        error,
        cards: memberships.into_iter().map(|membership| card(membership, &words)).collect(),
        newer: (page > 1).then(|| page - 1),
        older: more.then(|| page + 1),
    })
}

fn card(membership: Membership, words: &Words<'_>) -> Card {
    let Membership { view, next, skipped, past, may } = membership;
    let contract = view.contract();
    let standing = words.standing(contract);
    let method = view.method.as_ref().filter(|_| contract.is_billed());
    let facts = [
        ("Includes", includes(contract)),
        ("Price", Some(price(contract))),
        ("Can be used", Some(words.usable(contract))),
        ("Next charge", words.next(contract, next.as_ref())),
        ("Changes", words.to_come(contract)),
        ("Term", words.term(contract)),
        ("Paid with", method.map(|method| card_of(&method.brand, &method.last_digits))),
        ("Since", Some(words.day(contract.created_at))),
    ];
    let charge = |attempt: &guildhall_app::contracts::Attempt| (attempt.number, words.day(attempt.due_at));
    Card {
        number: contract.number,
        name: name(contract),
        word: standing.word,
        tone: standing.tone,
        sentence: standing.sentence,
        facts: facts.into_iter().filter_map(|(label, value)| Some((label, value?))).collect(),
        past: past
            .iter()
            .map(|attempt| {
                let (word, tone) = outcome(attempt);
                let amount = amount(attempt.money.minor, &attempt.money.currency);
                Charge { day: words.day(attempt.due_at), amount, word, tone }
            })
            .collect(),
        skip: next.as_ref().filter(|_| may.skip).map(charge),
        unskip: skipped.as_ref().filter(|_| may.unskip).map(charge),
        may,
    }
}

/// What was done, by the word that an address carries: never a caller's text.
fn notice(done: &str) -> Option<&'static str> {
    Some(match done {
        "paused" => "Your membership is paused.",
        "resumed" => "Your membership runs again.",
        "cancelled" => "Your membership is cancelled.",
        "skipped" => "The next charge is skipped.",
        "unskipped" => "The charge is not skipped after all.",
        _ => return None,
    })
}
