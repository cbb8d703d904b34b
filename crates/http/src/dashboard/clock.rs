//! The sandbox's clock: how it stands, and a calendar to move it by. In live it only explains.

mod month;

use super::desk::{Desk, can_be_mended};
use super::page::redirect;
use super::shell::Shell;
use super::when::{exact, minute};
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::billing::clock::{ClockState, Tally};
use guildhall_domain::contract::{Period, PeriodUnit, Schedule};
use guildhall_domain::record::date;
use guildhall_domain::scope::Action;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Mode, Timestamp};
use month::Month;
use std::time::Duration;

const DAY_US: i64 = 86_400 * MICROS_PER_SECOND;
/// How long a browser waits for a clock to arrive before it is shown on its way.
const WAIT: Duration = Duration::from_secs(3);

#[derive(Template)]
#[template(path = "dashboard/clock.html")]
struct ClockPage {
    shell: Shell,
    live: bool,
    /// The sandbox's page, where live explains.
    sandbox: String,
    frozen: bool,
    now: String,
    /// For the field of an exact time.
    now_field: String,
    target: Option<String>,
    month: Option<Month>,
    outcome: Option<Outcome>,
    error: Option<String>,
    typed: String,
    here: String,
}

/// What a move did.
struct Outcome {
    from: String,
    tally: Tally,
}

impl Outcome {
    fn is_quiet(&self) -> bool {
        Tally { cut: false, ..self.tally } == Tally::default()
    }
}

/// `GET …/clock?month=2027-01&from=&since=`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let page = page(&desk, None).await?;
    desk.page(&page)
}

async fn page(desk: &Desk, error: Option<String>) -> Result<ClockPage, AppError> {
    let access = desk.allow(Action::ContractRead)?;
    let place = desk.place()?;
    let mut page = ClockPage {
        shell: desk.shell("Sandbox clock", "clock"),
        live: place.mode() == Mode::Live,
        sandbox: format!("/dashboard/apps/{}/sandbox/clock", place.definitions().app.id),
        frozen: false,
        now: exact(desk.time()),
        now_field: desk.time().to_iso()[..16].to_owned(),
        target: None,
        month: None,
        outcome: None,
        error,
        typed: desk.form.get("to").to_owned(),
        here: format!("{}?{}", desk.path, desk.query.query_without(&["done"])),
    };
    if page.live {
        return Ok(page);
    }
    let clock = desk.guildhall().environment_clock(&access).await?;
    page.frozen = clock.frozen;
    page.now = exact(clock.now);
    page.target = clock.target.map(minute);
    page.month = Some(Month::read(desk, &access, clock.now).await?);
    page.outcome = outcome(desk).await?;
    Ok(page)
}

/// What happened since the move that the address tells of.
async fn outcome(desk: &Desk) -> Result<Option<Outcome>, AppError> {
    let number = |name: &str| desk.query.get(name).parse::<i64>().ok();
    let Some((from, since)) = number("from").zip(number("since").filter(|since| *since >= 0)) else {
        return Ok(None);
    };
    let access = desk.allow(Action::ContractRead)?;
    let tally = desk.guildhall().happened_since(&access, since).await?;
    Ok(Some(Outcome { from: minute(Timestamp::from_micros(from)), tally }))
}

/// `POST …/clock/freeze`
pub(super) async fn freeze(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ManageWrite)?;
    let frozen = desk.guildhall().freeze_clock(&access).await;
    set(&desk, frozen, "clock-frozen").await
}

/// `POST …/clock/release`
pub(super) async fn release(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ManageWrite)?;
    let released = desk.guildhall().release_clock(&access).await;
    set(&desk, released, "clock-released").await
}

async fn set(desk: &Desk, result: Result<ClockState, AppError>, notice: &str) -> Result<Response, AppError> {
    match result {
        Ok(_) => Ok(desk.done("/clock", notice)),
        Err(error) => refused(desk, error).await,
    }
}

async fn refused(desk: &Desk, error: AppError) -> Result<Response, AppError> {
    if !can_be_mended(&error) {
        return Err(error);
    }
    let page = page(desk, Some(error.message.to_string())).await?;
    desk.refused(error, &page)
}

/// `POST …/clock/move`: to the end of a `day`, `by` a day, a week or a month, or `to` a time. One that runs is
/// stopped first.
pub(super) async fn advance(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ManageWrite)?;
    let guildhall = desk.guildhall();
    let begun = async {
        if access.mode() != Mode::Sandbox {
            return Err(Code::ClockOfLive.into());
        }
        let from = guildhall.environment_clock(&access).await?.now;
        let to = target(&desk, from)?;
        if to < from {
            return Err(Code::ClockBack.into());
        }
        let since = guildhall.last_event(&access).await?;
        guildhall.freeze_clock(&access).await?;
        Ok((from, since, guildhall.begin_clock_move(&access, to).await?))
    };
    let (from, since, moving) = match begun.await {
        Ok(begun) => begun,
        Err(error) => return refused(&desk, error).await,
    };
    if let Ok(Err(error)) = tokio::time::timeout(WAIT, moving.arrived()).await {
        // It is on its way all the same: the job goes on with it.
        tracing::warn!(?error, "a sandbox's clock does not go on; it will be tried again");
    }
    Ok(redirect(&format!("{}?from={}&since={since}", desk.link("/clock"), from.micros())))
}

/// Where the form wants the clock to go.
fn target(desk: &Desk, from: Timestamp) -> Result<Timestamp, AppError> {
    let wrong = || AppError::because(Code::InputInvalid, "Choose a day, or a time such as 2027-01-31T10:00.");
    let form = &desk.form;
    if let Some(day) = form.text("day") {
        let day = Some(day).filter(|day| day.len() == 10).and_then(|day| date(&day)).ok_or_else(wrong)?;
        return Ok(day.plus_micros(DAY_US - MICROS_PER_SECOND));
    }
    match form.get("by") {
        "day" => Ok(from.plus_micros(DAY_US)),
        "week" => Ok(from.plus_micros(7 * DAY_US)),
        "month" => {
            let period = Period { unit: PeriodUnit::Month, count: 1 };
            Schedule { anchor: from, period, time_zone: "UTC".into() }.after(from).ok_or_else(wrong)
        }
        _ => form.text("to").and_then(|text| date(&text)).ok_or_else(wrong),
    }
}
