//! `subscription-billing-attempts`: what is due, and what became of it (wire contract C.1, 45–52).

use super::answer::Answer;
use super::call::Call;
use super::contracts::foreign;
use super::paging::Page;
use super::params::{Params, missing};
use super::problem::{ATTEMPT, Problem};
use crate::segment::Segment;
use axum::extract::Request;
use axum::response::Response;
use guildhall_app::Access;
use guildhall_app::contracts::{Attempt, AttemptChange, AttemptFilter, AttemptStatus, attempt_view};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::Value;

/// `GET subscription-billing-attempts/top-orders?contractId=|customerId=`: what is in the queue, and what was left
/// out, earliest first.
pub(crate) async fn upcoming(call: Call) -> Response {
    let filter = AttemptFilter {
        statuses: vec![AttemptStatus::Queued, AttemptStatus::Skipped],
        ..AttemptFilter::default()
    };
    list(call, filter, false).await
}

/// `GET subscription-billing-attempts/past-orders?contractId=|customerId=`: what was decided, latest first.
pub(crate) async fn past(call: Call) -> Response {
    let statuses = AttemptStatus::ALL.into_iter().filter(|status| {
        !matches!(status, AttemptStatus::Queued | AttemptStatus::Skipped | AttemptStatus::Requesting)
    });
    let filter =
        AttemptFilter { statuses: statuses.collect(), latest_first: true, ..AttemptFilter::default() };
    list(call, filter, false).await
}

/// `GET subscription-billing-attempts/past-orders/report?status=&contractId=`: those of one status, latest first.
pub(crate) async fn report(call: Call) -> Response {
    let filter = AttemptFilter { latest_first: true, ..AttemptFilter::default() };
    list(call, filter, true).await
}

async fn list(call: Call, filter: AttemptFilter, by_status: bool) -> Response {
    let listed = async {
        let access = call.allow(Action::ContractRead)?;
        let params = call.params()?;
        let mut filter = filter;
        if by_status {
            let words = AttemptStatus::ALL.map(|status| (status.as_str(), status));
            let status = params.choices("status", &words)?.ok_or_else(|| missing("status"))?;
            filter.statuses = status;
        }
        let page = Page::of(&call, &params)?;
        let Some(filter) = whose(&call, &access, &params, filter, by_status).await? else {
            return Ok(Answer::page(Vec::new(), &page, 0));
        };
        let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
        let (found, total) =
            call.guildhall().list_attempts(&access, filter, offset, page.size().into()).await?;
        let app = &access.definitions().app;
        let rows = found.iter().map(|(attempt, held)| attempt_view(attempt, &held.contract, app)).collect();
        Ok(Answer::page(rows, &page, u64::try_from(total).unwrap_or(0)))
    };
    call.answer(listed.await)
}

/// The contract or customer that is named; a report may be of all. Nothing if nobody has the number.
async fn whose(
    call: &Call,
    access: &Access<'_>,
    params: &Params,
    filter: AttemptFilter,
    all: bool,
) -> Result<Option<AttemptFilter>, Problem> {
    if let Some(contract) = params.number("contractId")? {
        return Ok(Some(AttemptFilter { contract: Some(contract), ..filter }));
    }
    if let Some(customer) = params.number("customerId")? {
        let found = call.guildhall().customer(access, customer).await?;
        return Ok(found.map(|customer| AttemptFilter { member: Some(customer.member.key), ..filter }));
    }
    if all { Ok(Some(filter)) } else { Err(missing("contractId")) }
}

async fn change(call: &Call, id: &str, change: AttemptChange) -> Result<(Attempt, Value), Problem> {
    let access = call.allow(Action::BillingWrite)?;
    let number = call.number("id", id)?;
    let (attempt, view) = call.guildhall().change_attempt(&access, number, change).await.map_err(foreign)?;
    let body = attempt_view(&attempt, view.contract(), &access.definitions().app);
    Ok((attempt, body))
}

fn told(attempt: &Attempt, body: &Value) -> Answer {
    let number = attempt.number.to_string();
    Answer::json(body).alert(&format!("A {ATTEMPT} is updated with identifier {number}"), &number)
}

/// `PUT subscription-billing-attempts/skip-order/{id}`: the attempt, `SKIPPED`.
pub(crate) async fn skip(call: Call, Segment(id): Segment<String>) -> Response {
    let skipped = change(&call, &id, AttemptChange::Skip).await;
    call.answer(skipped.map(|(attempt, body)| told(&attempt, &body)))
}

/// `PUT subscription-billing-attempts/unskip-order/{id}`: the attempt, in the queue again.
pub(crate) async fn unskip(call: Call, Segment(id): Segment<String>) -> Response {
    let unskipped = change(&call, &id, AttemptChange::Unskip).await;
    call.answer(unskipped.map(|(attempt, body)| told(&attempt, &body)))
}

/// `PUT subscription-billing-attempts/skip-upcoming-order?subscriptionContractId=`: the attempt that was next.
pub(crate) async fn skip_next(call: Call) -> Response {
    let skipped = async {
        let access = call.allow(Action::BillingWrite)?;
        let params = call.params()?;
        let contract = params.number("subscriptionContractId")?;
        let contract = contract.ok_or_else(|| missing("subscriptionContractId"))?;
        call.guildhall().contract(&access, contract).await.map_err(foreign)?;
        let filter = AttemptFilter {
            contract: Some(contract),
            statuses: vec![AttemptStatus::Queued],
            ..AttemptFilter::default()
        };
        let (found, _) = call.guildhall().list_attempts(&access, filter, 0, 1).await?;
        let (next, _) = found.first().ok_or(Code::AttemptNotQueued)?;
        let (attempt, body) = change(&call, &next.number.to_string(), AttemptChange::Skip).await?;
        Ok(told(&attempt, &body))
    };
    call.answer(skipped.await)
}

/// `PUT subscription-billing-attempts/reschedule-order/{id}?billingDate=`: the attempt on its new date.
pub(crate) async fn reschedule(call: Call, Segment(id): Segment<String>) -> Response {
    let moved = async {
        call.allow(Action::BillingWrite)?;
        let params = call.params()?;
        let at = params.since("billingDate")?.ok_or_else(|| missing("billingDate"))?;
        let (attempt, body) = change(&call, &id, AttemptChange::Reschedule(at)).await?;
        Ok(told(&attempt, &body))
    };
    call.answer(moved.await)
}

/// `PUT subscription-billing-attempts/attempt-billing/{id}`: 200 without a body. It is charged next; what became of it
/// is read later.
pub(crate) async fn bill(call: Call, Segment(id): Segment<String>) -> Response {
    let billed = change(&call, &id, AttemptChange::Bill).await;
    call.answer(billed.map(|(attempt, _)| {
        let number = attempt.number.to_string();
        Answer::empty().alert(&format!("A {ATTEMPT} is updated with identifier {number}"), &number)
    }))
}

/// `PUT subscription-billing-attempts-update-order-note/{id}?orderNote=`: `true`.
pub(crate) async fn note(call: Call, Segment(id): Segment<String>) -> Response {
    let noted = async {
        call.allow(Action::BillingWrite)?;
        let params = call.params()?;
        let note = params.required_text("orderNote")?.to_owned();
        let (attempt, _) = change(&call, &id, AttemptChange::Note(note)).await?;
        Ok(told(&attempt, &true.into()))
    };
    call.answer(noted.await)
}

/// `PUT subscription-billing-attempts` with an attempt's object: its note can be changed so, everything else follows
/// from what happens. `id`, `shop` and `retryingNeeded` must be there.
pub(crate) async fn update(call: Call, request: Request) -> Response {
    let updated = async {
        let access = call.allow(Action::BillingWrite)?;
        let mut fields = call.fields(request).await?;
        let id = fields.int("id")?.ok_or_else(|| Problem::invalid_id(ATTEMPT))?;
        let shop = fields.text("shop")?.ok_or_else(|| Problem::field(ATTEMPT, "shop", "NotNull"))?;
        if fields.bool("retryingNeeded")?.is_none() {
            return Err(Problem::field(ATTEMPT, "retryingNeeded", "NotNull"));
        }
        if !shop.eq_ignore_ascii_case(&access.definitions().app.store_name()) {
            return Err(Problem::invalid_id(ATTEMPT));
        }
        let note = match fields.text("orderNote")? {
            Some(note) => note,
            None => call.guildhall().attempt(&access, id).await.map_err(foreign)?.0.note,
        };
        let (attempt, body) = change(&call, &id.to_string(), AttemptChange::Note(note)).await?;
        Ok(told(&attempt, &body))
    };
    call.answer(updated.await)
}
