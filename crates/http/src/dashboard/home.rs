//! Where one begins: the apps, and an environment at a glance.

use super::count::grouped;
use super::desk::Desk;
use super::page::redirect;
use super::shell::Shell;
use super::when::short_day;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::overview::Overview;
use guildhall_domain::scope::Action;

#[derive(Template)]
#[template(path = "dashboard/apps.html")]
struct AppsPage {
    shell: Shell,
    apps: Vec<AppRow>,
}

struct AppRow {
    id: String,
    name: String,
    role: &'static str,
}

/// `GET /dashboard`: the only app, or a choice.
pub(super) async fn apps(desk: Desk) -> Result<Response, AppError> {
    let apps = desk.guildhall().operator_apps(desk.operator()?).await?;
    if let [(app, _, _)] = apps.as_slice()
        && !desk.query.ticked("all")
    {
        return Ok(redirect(&format!("/dashboard/apps/{app}/sandbox")));
    }
    let apps =
        apps.into_iter().map(|(id, name, role)| AppRow { id: id.to_string(), name, role: role.as_str() });
    desk.page(&AppsPage { shell: desk.shell("Apps", "apps"), apps: apps.collect() })
}

#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct HomePage {
    shell: Shell,
    members: String,
    week: String,
    month: String,
    empty: bool,
    plans: Vec<PlanRow>,
    tables: usize,
    plot: Plot,
}

struct PlanRow {
    id: String,
    name: String,
    holders: String,
    /// Of all members, in percent.
    share: i64,
}

/// Sign-ups by day, as bars.
struct Plot {
    bars: Vec<Bar>,
    top: i64,
    first: String,
    last: String,
    total: i64,
}

struct Bar {
    x: i64,
    y: i64,
    height: i64,
    count: i64,
    day: String,
}

/// The height of the plot's area, in its own units.
const HEIGHT: i64 = 120;
/// The distance from one bar to the next.
const STEP: i64 = 20;

impl Plot {
    fn of(overview: &Overview) -> Self {
        let top = overview.sign_ups.iter().copied().max().unwrap_or(0).max(1);
        let first = overview.today - overview.sign_ups.len() as i64 + 1;
        let bars = overview.sign_ups.iter().zip(0..).map(|(count, place)| {
            // A single sign-up must be seen beside a thousand.
            let height = if *count == 0 { 0 } else { (count * HEIGHT / top).max(2) };
            let day = short_day(first + place);
            Bar { x: place * STEP, y: HEIGHT - height, height, count: *count, day }
        });
        Self {
            bars: bars.collect(),
            top,
            first: short_day(first),
            last: short_day(overview.today),
            total: overview.sign_ups.iter().sum(),
        }
    }
}

/// `GET /dashboard/apps/{app}/{mode}`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let overview = desk.guildhall().overview(&access).await?;
    let definitions = access.definitions();
    let plans = definitions.plans.iter().map(|plan| {
        let holders = overview.holders.iter().find(|(id, _)| *id == plan.id).map_or(0, |(_, count)| *count);
        let share = if overview.members > 0 { (holders * 100 / overview.members).min(100) } else { 0 };
        PlanRow { id: plan.id.to_string(), name: plan.name.clone(), holders: grouped(holders), share }
    });
    let days = overview.sign_ups.len();
    let page = HomePage {
        shell: desk.shell("Home", "home"),
        members: grouped(overview.members),
        week: grouped(overview.sign_ups[days.saturating_sub(7)..].iter().sum()),
        month: grouped(overview.sign_ups.iter().sum()),
        empty: overview.members == 0 && overview.sign_ups.iter().all(|count| *count == 0),
        plans: plans.collect(),
        tables: definitions.tables.len(),
        plot: Plot::of(&overview),
    };
    desk.page(&page)
}
