//! The list of contracts that are billed, with its search.

use super::words::{self, Badge, price, state, status_name, title};
use super::{leaves, way};
use crate::dashboard::desk::Desk;
use crate::dashboard::money::amount;
use crate::dashboard::page::redirect;
use crate::dashboard::shell::Shell;
use crate::dashboard::when::On;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::contracts::{BilledOrder, ContractSearch, ContractStatus, HeldContract, display_name};
use guildhall_domain::Code;
use guildhall_domain::contract::Life;
use guildhall_domain::ids::PlanId;
use guildhall_domain::scope::Action;

/// Contracts on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "dashboard/contracts.html")]
struct ListPage {
    shell: Shell,
    query: String,
    status: String,
    plan: String,
    attention: bool,
    order: String,
    statuses: Vec<(&'static str, &'static str)>,
    plans: Vec<(String, String)>,
    rows: Vec<Row>,
    searching: bool,
    /// Whether the app has a price that a contract could be for.
    priced: bool,
    customers_cut_at: Option<usize>,
    previous: Option<String>,
    next: Option<String>,
}

/// A contract in a list.
pub(in crate::dashboard) struct Row {
    pub number: i64,
    pub title: String,
    pub member: String,
    pub customer: String,
    pub state: Badge,
    pub price: String,
    /// When it is billed next, if it will be.
    pub next: Option<On>,
    /// When its failed charge is tried again.
    pub retry: Option<On>,
    /// Why the last charge failed.
    pub failed: Option<String>,
}

impl Row {
    pub fn of(held: &HeldContract, desk: &Desk) -> Self {
        let (contract, holder) = (&held.contract, &held.holder);
        let name = display_name(contract, holder);
        let retry = match &contract.life {
            Life::Active(active) => active.dunning.as_ref().map(|dunning| On(dunning.next_try)),
            _ => None,
        };
        let last = contract.progress.last_payment.as_ref().filter(|last| !last.paid);
        Self {
            number: contract.number,
            title: title(contract),
            member: holder.id.to_string(),
            customer: if name.is_empty() { holder.id.to_string() } else { name },
            state: state(contract, desk.time()),
            price: price(contract),
            next: words::next_billing(contract, desk.time()).map(On),
            retry,
            failed: last.map(|last| amount(last.minor, &contract.terms.currency)),
        }
    }
}

/// `GET …/contracts?q=&status=&plan=&attention=&order=&after=&before=`
pub(in crate::dashboard) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ContractRead)?;
    let (query, definitions) = (&desk.query, access.definitions());
    let customer = query.text("q");
    // A member's id leads to the member.
    if let Some(id) =
        customer.as_deref().filter(|text| text.starts_with("mem_") && guildhall_domain::text::is_id(text))
        && let Some(member) = desk.guildhall().get_member(&access, id).await?
    {
        return Ok(redirect(&desk.link(&format!("/members/{}", member.id))));
    }
    let plan = query.text("plan").map(PlanId::from_text);
    if plan.as_ref().is_some_and(|plan| definitions.plan(plan).is_none()) {
        return Err(Code::QueryInvalid.into());
    }
    let search = ContractSearch {
        customer: customer.clone(),
        status: ContractStatus::from_stored(query.get("status")),
        plan,
        attention: query.says("attention", "yes"),
        order: if query.get("order") == "next" { BilledOrder::NextBilling } else { BilledOrder::Newest },
        way: way(query),
        limit: PAGE,
    };
    let searching =
        customer.is_some() || search.status.is_some() || search.plan.is_some() || search.attention;
    let attention = search.attention;
    let found = desk.guildhall().search_contracts(&access, search).await?;
    let (previous, next) = leaves(&desk, "/contracts", found.previous, found.next);
    let priced = definitions.plans.iter().filter(|plan| !plan.is_free());
    let page = ListPage {
        shell: desk.shell("Contracts", "contracts"),
        query: customer.unwrap_or_default(),
        status: query.get("status").to_owned(),
        plan: query.get("plan").to_owned(),
        attention,
        order: query.get("order").to_owned(),
        statuses: ContractStatus::ALL.map(|status| (status.as_str(), status_name(status))).to_vec(),
        plans: priced.map(|plan| (plan.id.to_string(), plan.name.clone())).collect(),
        rows: found.contracts.iter().map(|held| Row::of(held, &desk)).collect(),
        searching,
        priced: definitions.plans.iter().any(|plan| !plan.is_free()),
        customers_cut_at: found.customers_cut_at,
        previous,
        next,
    };
    desk.page(&page)
}
