//! Where one begins: the apps, and an environment at a glance.

use super::count::grouped;
use super::desk::Desk;
use super::money::amount;
use super::page::redirect;
use super::plot::{Plot, Span};
use super::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::figures::Figures;
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
    /// Address, name, whether it is the one that is shown.
    spans: Vec<(String, &'static str, bool)>,
    sign_ups: Chart,
    business: Business,
}

struct PlanRow {
    id: String,
    name: String,
    holders: String,
    /// Of all members, in percent.
    share: i64,
}

/// A plot with its heading.
struct Chart {
    heading: String,
    id: String,
    plot: Plot,
    /// Whether there is nothing to draw.
    blank: bool,
}

/// What contracts bring.
struct Business {
    active: String,
    /// Monthly recurring revenue, one for each currency.
    monthly: Vec<String>,
    churn: String,
    ended: String,
    failed: String,
    retrying: i64,
    charts: Vec<Chart>,
}

/// Currencies that have plots of their own.
const CURRENCIES_MAX: usize = 3;

impl Business {
    fn of(figures: &Figures, span: Span) -> Self {
        let length = usize::try_from(span.days).unwrap_or(1);
        let chart =
            |heading: String, id: String, bars: bool, series: &[i64], shown: &dyn Fn(i64) -> String| {
                let title = format!("plot-{id}");
                let draw = if bars { Plot::bars } else { Plot::line };
                let plot = draw(&title, &heading, series, figures.today, span, shown);
                Chart { heading, id, plot, blank: series.iter().all(|value| *value == 0) }
            };
        debug_assert_eq!(figures.active_by_day.len(), length, "a series is as long as its span");
        let mut charts = Vec::new();
        if !figures.monies.is_empty() {
            let active = &figures.active_by_day;
            charts.push(chart("Active contracts".into(), "active".into(), false, active, &grouped));
            let heading = format!("Failed charges by {}", span.bar());
            charts.push(chart(heading, "failed".into(), true, &figures.failed_by_day, &grouped));
        }
        for money in figures.monies.iter().take(CURRENCIES_MAX) {
            let currency = &money.currency;
            let (name, shown) = (currency.to_uppercase(), |minor| amount(minor, currency));
            let heading = format!("Monthly recurring revenue, {name}");
            charts.push(chart(heading, format!("monthly-{currency}"), false, &money.monthly_by_day, &shown));
            let heading = format!("Collected by {}, {name}", span.bar());
            charts.push(chart(
                heading,
                format!("collected-{currency}"),
                true,
                &money.collected_by_day,
                &shown,
            ));
        }
        let tenths = figures.churn_tenths();
        Self {
            active: grouped(figures.active),
            monthly: figures.monies.iter().map(|money| amount(money.monthly, &money.currency)).collect(),
            churn: tenths.map_or_else(|| "–".into(), |tenths| format!("{}.{} %", tenths / 10, tenths % 10)),
            ended: format!("{} of {} ended", grouped(figures.ended), grouped(figures.active_before)),
            failed: grouped(figures.failed),
            retrying: figures.retrying,
            charts,
        }
    }
}

/// `GET /dashboard/apps/{app}/{mode}?days=`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let span = Span::of(desk.query.get("days"));
    let guildhall = desk.guildhall();
    let overview = guildhall.overview(&access).await?;
    let sign_ups = guildhall.sign_ups(&access, span.days).await?;
    let figures = guildhall.figures(&access, span.days).await?;
    let definitions = access.definitions();
    let plans = definitions.plans.iter().map(|plan| {
        let holders = overview.holders.iter().find(|(id, _)| *id == plan.id).map_or(0, |(_, count)| *count);
        let share = if overview.members > 0 { (holders * 100 / overview.members).min(100) } else { 0 };
        PlanRow { id: plan.id.to_string(), name: plan.name.clone(), holders: grouped(holders), share }
    });
    let days = overview.sign_ups.len();
    let heading = format!("Sign-ups by {}", span.bar());
    let spans =
        Span::ALL.map(|known| (desk.link(&format!("?days={}", known.days)), known.name, known == span));
    let page = HomePage {
        shell: desk.shell("Home", "home"),
        members: grouped(overview.members),
        week: grouped(overview.sign_ups[days.saturating_sub(7)..].iter().sum()),
        month: grouped(overview.sign_ups.iter().sum()),
        empty: overview.members == 0 && overview.sign_ups.iter().all(|count| *count == 0),
        plans: plans.collect(),
        spans: spans.to_vec(),
        sign_ups: Chart {
            plot: Plot::bars("plot-sign-ups", &heading, &sign_ups, overview.today, span, grouped),
            blank: sign_ups.iter().all(|count| *count == 0),
            id: "sign-ups".into(),
            heading,
        },
        business: Business::of(&figures, span),
    };
    desk.page(&page)
}
