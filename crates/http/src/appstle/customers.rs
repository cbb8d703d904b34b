//! `subscription-customers`: who holds what (wire contract C.1, 3–6).

use super::answer::Answer;
use super::call::Call;
use super::contract_row::{gid, row};
use crate::segment::Segment;
use axum::response::Response;
use guildhall_app::contracts::{ContractStatus, ContractView, contract_view};
use guildhall_domain::scope::Action;
use serde_json::json;

/// Contracts on a page of a customer's own.
const PAGE: usize = 50;

/// `GET subscription-customers/valid/{customerId}`: the numbers of those that run or rest; `[]` for nobody.
pub(crate) async fn valid(call: Call, Segment(id): Segment<String>) -> Response {
    let found = async {
        let access = call.allow(Action::ContractRead)?;
        let number = call.number("customerId", &id)?;
        let customer = call.guildhall().customer(&access, number).await?;
        let contracts = customer.map(|customer| customer.contracts).unwrap_or_default();
        let live = contracts.iter().filter(|view| view.contract().status().is_live());
        Ok(Answer::json(&live.map(|view| view.contract().number).collect()))
    };
    call.answer(found.await)
}

/// `GET subscription-customers-detail/valid/{customerId}`: the same as rows.
pub(crate) async fn valid_rows(call: Call, Segment(id): Segment<String>) -> Response {
    let found = async {
        let access = call.allow(Action::ContractRead)?;
        let number = call.number("customerId", &id)?;
        let customer = call.guildhall().customer(&access, number).await?;
        let contracts = customer.map(|customer| customer.contracts).unwrap_or_default();
        let live = contracts.iter().filter(|view| view.contract().status().is_live());
        Ok(Answer::json(&live.map(|view| row(&view.held, &access.definitions().app)).collect()))
    };
    call.answer(found.await)
}

/// `GET subscription-customers/{customerId}?cursor=`: the customer with its contracts (C.3.2); an empty body for nobody.
pub(crate) async fn get(call: Call, Segment(id): Segment<String>) -> Response {
    let found = async {
        let access = call.allow(Action::ContractRead)?;
        let params = call.params()?;
        let number = call.number("customerId", &id)?;
        let after = params.number("cursor")?;
        let Some(customer) = call.guildhall().customer(&access, number).await? else {
            return Ok(Answer::empty());
        };
        let status = subscriber_status(&customer.contracts);
        let mut nodes: Vec<_> = customer
            .contracts
            .iter()
            .filter(|view| after.is_none_or(|after| view.contract().number > after))
            .collect();
        let more = nodes.len() > PAGE;
        nodes.truncate(PAGE);
        let cursor = |view: Option<&&ContractView>| view.map(|view| view.contract().number.to_string());
        let (start, end) = (cursor(nodes.first()), cursor(nodes.last()));
        let app = &access.definitions().app;
        let nodes: Vec<_> = nodes.into_iter().map(|view| contract_view(view, app)).collect();
        Ok(Answer::json(&json!({
            "__typename": "Customer", "id": gid("Customer", number), "productSubscriberStatus": status, "tags": [],
            "subscriptionContracts": { "nodes": nodes, "pageInfo": {
                "hasPreviousPage": after.is_some(), "hasNextPage": more, "startCursor": start, "endCursor": end,
            } },
        })))
    };
    call.answer(found.await)
}

/// The best that can be said of all contracts together.
fn subscriber_status(contracts: &[ContractView]) -> &'static str {
    let has = |status| contracts.iter().any(|view| view.contract().status() == status);
    use ContractStatus::{Active, Cancelled, Expired, Failed, Paused};
    [Active, Paused, Cancelled, Expired, Failed]
        .into_iter()
        .find(|status| has(*status))
        .map_or("NEVER_SUBSCRIBED", ContractStatus::as_str)
}

/// `GET` or `DELETE subscription-customers/sync-info/{customerId}`: 200 without a body. There is nothing to fetch from
/// elsewhere.
pub(crate) async fn sync(call: Call, Segment(id): Segment<String>) -> Response {
    let synced = call.allow(Action::ContractRead).and_then(|_| {
        call.number("customerId", &id)?;
        Ok(Answer::empty())
    });
    call.answer(synced)
}
