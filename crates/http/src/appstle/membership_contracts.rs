//! The guide layer (wire contract B): a customer's contracts, whether they hold, and what is done with one.

use super::answer::Answer;
use super::call::Call;
use super::contract_changes::cycles;
use super::contract_row::seconds;
use super::contracts::updated_words;
use super::guide::{content, cycle, cycle_of, enter};
use super::paging::Page;
use super::params::missing;
use crate::segment::Segment;
use axum::response::Response;
use guildhall_app::contracts::{Contract, ContractChange, ContractStatus, ContractView};
use guildhall_domain::Timestamp;
use guildhall_domain::contract::{ContractKind, local_day};
use guildhall_domain::plan::Interval;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// `GET membership-contracts?shop=&customerId=`: `{content, totalElements}`, in every state, oldest first; `status=`
/// picks some.
pub(crate) async fn list(call: Call) -> Response {
    let listed = async {
        let (access, params) = enter(&call, Action::ContractRead)?;
        let number = params.number("customerId")?.ok_or_else(|| missing("customerId"))?;
        let words = ContractStatus::ALL.map(|status| (status.as_str(), status));
        let statuses = params.choices("status", &words)?;
        let page = Page::of(&call, &params)?;
        let customer = call.guildhall().customer(&access, number).await?;
        let contracts = customer.map(|customer| customer.contracts).unwrap_or_default();
        let wanted = contracts.iter().filter(|view| {
            statuses.as_ref().is_none_or(|statuses| statuses.contains(&view.contract().status()))
        });
        let zone = &access.definitions().app.time_zone;
        let wanted: Vec<_> = wanted.collect();
        let total = wanted.len() as u64;
        Ok(Answer::json(&content(page.cut(wanted).into_iter().map(|view| item(view, zone)).collect(), total)))
    };
    call.answer(listed.await)
}

/// `GET membership-status?shop=&customerId=`: always 200. `active` says whether the customer may use what it holds,
/// `accessUntil` until when, as far as that is known.
pub(crate) async fn status(call: Call) -> Response {
    let found = async {
        let (access, params) = enter(&call, Action::ContractRead)?;
        let number = params.number("customerId")?.ok_or_else(|| missing("customerId"))?;
        let customer = call.guildhall().customer(&access, number).await?;
        let contracts = customer.map(|customer| customer.contracts).unwrap_or_default();
        let rank = |view: &&ContractView| {
            let contract = view.contract();
            (contract.progress.access, contract.status() == ContractStatus::Active, contract.number)
        };
        let best = contracts.iter().max_by_key(rank);
        let zone = &access.definitions().app.time_zone;
        let contract = best.map(ContractView::contract);
        let active = contract.is_some_and(|contract| contract.progress.access);
        let until = contract.filter(|_| active).and_then(|contract| contract.access_until());
        Ok(Answer::json(&json!({
            "customerId": number, "active": active, "isMember": active,
            "status": contract.map(|contract| contract.status().as_str()),
            "membershipPlanName": best.map(name), "contractId": contract.map(|contract| contract.number),
            "nextBillingDate": next_day(best, zone), "accessUntil": until.map(seconds),
        })))
    };
    call.answer(found.await)
}

/// `GET membership-contracts/{contractId}?shop=`: an item with more in it; 404 if there is none.
pub(crate) async fn get(call: Call, Segment(id): Segment<String>) -> Response {
    let found = async {
        let (access, _) = enter(&call, Action::ContractRead)?;
        let number = call.number("contractId", &id)?;
        let view = call.guildhall().contract(&access, number).await?;
        Ok(Answer::json(&whole(&view, &access.definitions().app.time_zone)))
    };
    call.answer(found.await)
}

/// `PUT` or `POST membership-contracts/{contractId}/cancel|pause|resume?shop=`: the item as it is then.
pub(crate) async fn act(call: Call, Segment((id, verb)): Segment<(String, String)>) -> Response {
    let done = async {
        let (access, params) = enter(&call, Action::ContractWrite)?;
        let number = call.number("contractId", &id)?;
        let text =
            |name| params.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
        let change = match verb.as_str() {
            "cancel" => ContractChange::Cancel {
                feedback: text("cancellationFeedback")?,
                note: text("cancellationNote")?,
            },
            "pause" => ContractChange::Pause { cycles: cycles(&params, "pauseDurationCycle")? },
            "resume" => ContractChange::Status(ContractStatus::Active),
            _ => return Err(guildhall_domain::Code::RouteUnknown.into()),
        };
        let view = call.guildhall().change_contract(&access, number, change).await?;
        let number = number.to_string();
        let body = whole(&view, &access.definitions().app.time_zone);
        Ok(Answer::json(&body).alert(&updated_words(&number), &number))
    };
    call.answer(done.await)
}

fn name(view: &ContractView) -> String {
    let line = view.contract().terms.first_line();
    line.map(|line| line.item.title.clone()).unwrap_or_default()
}

/// The next date of what is still billed, as a day of the store's.
fn next_day(view: Option<&ContractView>, zone: &str) -> Option<String> {
    let contract = view?.contract();
    let next = contract.next_billing().filter(|_| contract.status().is_live())?;
    Some(local_day(next, zone))
}

fn item(view: &ContractView, zone: &str) -> Value {
    let contract = view.contract();
    let day = |at: Timestamp| local_day(at, zone);
    json!({
        "id": contract.number, "status": contract.status().as_str(), "membershipPlanName": name(view),
        "nextBillingDate": next_day(Some(view), zone),
        "billingCycleType": cycle_type(contract),
        "startDate": day(contract.created_at), "endDate": contract.ends_at().map(day),
    })
}

/// How often it is billed; of what is free, nothing.
fn cycle_type(contract: &Contract) -> Option<&'static str> {
    match contract.kind {
        ContractKind::Once => Some(cycle(Interval::Once)),
        ContractKind::Free | ContractKind::Recurring => contract.terms.period().map(cycle_of),
    }
}

fn whole(view: &ContractView, zone: &str) -> Value {
    let contract = view.contract();
    let mut item = item(view, zone);
    let currency = &contract.terms.currency;
    let more = json!({
        "customerId": view.held.holder.number, "customerEmail": view.held.holder.email,
        "active": contract.progress.access,
        "accessUntil": contract.access_until().filter(|_| contract.progress.access).map(seconds),
        "amount": super::guide::amount(contract.terms.total(), currency),
        "currencyCode": currency.to_ascii_uppercase(),
        "billingInterval": contract.terms.period().map(|period| period.unit.as_str()),
        "billingIntervalCount": contract.terms.period().map(|period| period.count),
        "minCycles": contract.terms.min_cycles, "maxCycles": contract.terms.max_cycles,
        "completedCycles": contract.progress.paid_cycles,
    });
    if let (Value::Object(item), Value::Object(more)) = (&mut item, more) {
        item.extend(more);
    }
    item
}
