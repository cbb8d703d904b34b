//! What is billed next, day by day, and which failed charges are tried again.

use super::contracts::{Row, leaves, way};
use super::desk::Desk;
use super::money::amount;
use super::shell::Shell;
use super::when::long_day;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::contracts::RenewalSum;
use guildhall_domain::scope::Action;

/// Renewals on a page.
const PAGE: usize = 50;
/// Failed charges that the page shows; the list of contracts has the rest.
const RETRIED: usize = 10;

#[derive(Template)]
#[template(path = "dashboard/renewals.html")]
struct RenewalsPage {
    shell: Shell,
    days: Vec<Day>,
    retried: Vec<Row>,
    more_retried: bool,
    previous: Option<String>,
    next: Option<String>,
}

/// One day with what is billed on it.
struct Day {
    title: String,
    /// Whether it is behind us and has not been billed.
    overdue: bool,
    today: bool,
    contracts: i64,
    /// What the whole day comes to, one for each currency.
    sums: Vec<String>,
    rows: Vec<Row>,
}

/// `GET …/renewals?after=&before=`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ContractRead)?;
    let guildhall = desk.guildhall();
    let found = guildhall.upcoming_renewals(&access, way(&desk.query), PAGE).await?;
    let (retried, more_retried) = guildhall.retried_contracts(&access, RETRIED).await?;
    let today = desk.time().day();
    let mut days: Vec<(i64, Day)> = Vec::new();
    for held in &found.contracts {
        let Some(on) = held.contract.next_billing().map(|at| at.day()) else { continue };
        if days.last().is_none_or(|(day, _)| *day != on) {
            days.push((on, Day::begin(on, today, &found.sums)));
        }
        if let Some((_, day)) = days.last_mut() {
            day.rows.push(Row::of(held, &desk));
        }
    }
    let (previous, next) = leaves(&desk, "/renewals", found.previous, found.next);
    let page = RenewalsPage {
        shell: desk.shell("Renewals", "renewals"),
        days: days.into_iter().map(|(_, day)| day).collect(),
        retried: retried.iter().map(|held| Row::of(held, &desk)).collect(),
        more_retried,
        previous,
        next,
    };
    desk.page(&page)
}

impl Day {
    fn begin(day: i64, today: i64, sums: &[RenewalSum]) -> Self {
        let sums: Vec<_> = sums.iter().filter(|sum| sum.day == day).collect();
        Self {
            title: long_day(day),
            overdue: day < today,
            today: day == today,
            contracts: sums.iter().map(|sum| sum.contracts).sum(),
            sums: sums.iter().map(|sum| amount(sum.minor, &sum.currency)).collect(),
            rows: Vec::new(),
        }
    }
}
