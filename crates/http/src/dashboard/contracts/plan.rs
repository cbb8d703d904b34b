//! A change of plan: what each way of it would cost is worked out beforehand by the rules that will do it.

use super::form::wrong;
use super::one::back;
use super::words::{self, every};
use super::{named, number_of};
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::money::amount;
use crate::dashboard::plans::price_text;
use crate::dashboard::shell::Shell;
use crate::dashboard::when::day;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::contracts::{Change, Contract, ContractChange, PlanMode};
use guildhall_domain::Timestamp;
use guildhall_domain::scope::Action;

/// The ways there are, as forms name them.
const MODES: [(&str, PlanMode); 3] =
    [("later", PlanMode::DowngradeLater), ("now", PlanMode::Prorate), ("unbilled", PlanMode::SkipBilling)];

#[derive(Template)]
#[template(path = "dashboard/contract_plan.html")]
struct PlanPage {
    shell: Shell,
    number: i64,
    title: String,
    from: String,
    to: String,
    variant: i64,
    /// How a form names each way, and what it would do.
    ways: Vec<(&'static str, String)>,
    /// Why it cannot be changed.
    refused: Option<String>,
}

fn variant_of(text: &str) -> Result<i64, AppError> {
    text.parse().map_err(|_| wrong("Choose the plan to change to."))
}

/// `GET …/contracts/{contract}/plan?price=`
pub(in crate::dashboard) async fn preview_plan(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ContractWrite)?;
    let view = named(&desk).await?;
    let contract = view.contract();
    let variant = match variant_of(desk.query.get("price")) {
        Ok(variant) => variant,
        Err(error) => return back(&desk, Err(error), "").await,
    };
    let to = access.definitions().price_numbered(variant);
    let Some(to) = to.map(|(plan, price)| format!("{}, {}", plan.name, price_text(price))) else {
        return back(&desk, Err(wrong("There is no such price.")), "").await;
    };
    let mut page = PlanPage {
        shell: desk.shell("Change the plan", "contracts"),
        number: contract.number,
        title: words::title(contract),
        from: format!("{}, {}", words::title(contract), words::price(contract)),
        to,
        variant,
        ways: Vec::new(),
        refused: None,
    };
    for (name, mode) in MODES {
        let change = ContractChange::Plan { line: None, old_variant: None, variant, mode };
        match desk.guildhall().preview_contract_change(&access, contract.number, change).await {
            Ok(after) => {
                let told = consequence(contract, after.contract(), desk.time());
                if page.ways.iter().all(|(_, known)| *known != told) {
                    page.ways.push((name, told));
                }
            }
            Err(error) if can_be_mended(&error) => {
                page.refused = Some(error.message.to_string());
                return desk.refused(error, &page);
            }
            Err(error) => return Err(error),
        }
    }
    desk.page(&page)
}

/// What a change would do, in sentences.
fn consequence(before: &Contract, after: &Contract, now: Timestamp) -> String {
    let currency = &after.terms.currency;
    let price = words::price(after);
    let next = after.next_billing().map(|next| format!(" Billed next on {}.", day(next))).unwrap_or_default();
    match &after.change {
        Some(Change::Upgrade(upgrade)) => format!(
            "At once. {} is charged now, for what is left of the period that is paid; if that fails, all stays as it is. From then on {price}.{next}",
            amount(upgrade.minor, currency)
        ),
        Some(Change::Downgrade(change)) => {
            let often = change.to.period.or(after.terms.period()).map(every).unwrap_or_default();
            let begins = before.next_billing().filter(|next| *next > now);
            let begins =
                begins.map_or_else(|| "With the next period".into(), |at| format!("From {} on", day(at)));
            format!(
                "{begins}: {}, {} {often}. Until then everything stays as it is, and nothing is charged or given back.",
                change.to.title,
                amount(change.to.unit_minor, currency)
            )
        }
        None => {
            let credit = after.progress.credit - before.progress.credit;
            let given = if credit > 0 {
                format!("{} is taken off the next charges.", amount(credit, currency))
            } else {
                "Nothing is charged or given back for it.".into()
            };
            format!("At once. {given} From then on {price}.{next}")
        }
    }
}

/// `POST …/contracts/{contract}/plan`
pub(in crate::dashboard) async fn change_plan(desk: Desk) -> Result<Response, AppError> {
    let changed = async {
        let access = desk.allow(Action::ContractWrite)?;
        let variant = variant_of(desk.form.get("price"))?;
        if access.definitions().price_numbered(variant).is_none() {
            return Err(wrong("There is no such price."));
        }
        let mode = MODES.into_iter().find(|(name, _)| *name == desk.form.get("mode"));
        let (_, mode) = mode.ok_or_else(|| wrong("Choose when the change is to begin."))?;
        let change = ContractChange::Plan { line: None, old_variant: None, variant, mode };
        desk.guildhall().change_contract(&access, number_of(&desk)?, change).await.map(|_| ())
    };
    let changed = changed.await;
    back(&desk, changed, "plan-changed").await
}
