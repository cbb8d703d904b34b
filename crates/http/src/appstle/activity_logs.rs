//! `activity-logs`: what was done with contracts and their billing, from the audit trail.

use super::answer::Answer;
use super::call::Call;
use super::paging::{Page, order};
use super::params::Params;
use super::problem::Problem;
use axum::response::Response;
use guildhall_app::activity::{Activity, ActivityQuery};
use guildhall_domain::Timestamp;
use guildhall_domain::activity::{ActivityKind, ActivitySource, ActivityStatus, ActivitySubject, KINDS};
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// `GET activity-logs` (wire contract C.1, 64, and C.7): a page, newest first unless sorted. `entityId` is the contract's
/// number, also of what is about one of its attempts. Criteria are
/// `entityId.equals|in`, `entityType.equals`, `eventType.equals|in`, `eventSource.equals|in`, `status.equals`, and
/// `createAt.` with `greaterThan`, `greaterThanOrEqual`, `lessThan` or `lessThanOrEqual`.
pub(crate) async fn list(call: Call) -> Response {
    let listed = async {
        let access = call.allow(Action::ContractRead)?;
        let params = call.params()?;
        let page = Page::of(&call, &params)?;
        let order = order(&params, &[("create_at", ()), ("id", ())])?;
        let query = ActivityQuery {
            oldest_first: order.first().is_some_and(|(_, downwards)| !downwards),
            offset: page.offset(),
            limit: page.size(),
            ..criteria(&params)?
        };
        let (entries, total) = call.guildhall().activity(&access, query).await?;
        let shop = access.definitions().app.store_name();
        Ok(Answer::page(entries.iter().map(|entry| view(entry, &shop)).collect(), &page, total))
    };
    call.answer(listed.await)
}

fn criteria(params: &Params) -> Result<ActivityQuery, Problem> {
    let contracts = [params.numbers("entityId.equals")?, params.numbers("entityId.in")?].concat();
    let subject = params
        .choice("entityType.equals", &ActivitySubject::ALL.map(|subject| (subject.as_str(), subject)))?;
    let status = ActivityStatus::ALL.map(|status| (status.as_str(), status));
    let status = params.choice("status.equals", &status)?;
    let events: Vec<_> = KINDS.iter().map(|kind| (kind.event, kind)).collect();
    let named =
        either(params.choices("eventType.equals", &events)?, params.choices("eventType.in", &events)?);
    let wanted = |kind: &&'static ActivityKind| {
        subject.is_none_or(|subject| kind.subject == subject)
            && status.is_none_or(|status| kind.status == status)
    };
    let kinds = named.unwrap_or_else(|| KINDS.iter().collect()).into_iter().filter(wanted).collect();
    let sources = ActivitySource::ALL.map(|source| (source.as_str(), source));
    let sources =
        either(params.choices("eventSource.equals", &sources)?, params.choices("eventSource.in", &sources)?);
    let after = params.until("createAt.greaterThan")?.map(|moment| moment.plus_micros(1));
    let before = params.since("createAt.lessThan")?.map(|moment| moment.plus_micros(-1));
    Ok(ActivityQuery {
        contracts: (!contracts.is_empty()).then_some(contracts),
        kinds: Some(kinds),
        sources,
        since: latest(params.since("createAt.greaterThanOrEqual")?, after),
        until: earliest(params.until("createAt.lessThanOrEqual")?, before),
        ..ActivityQuery::default()
    })
}

fn either<T>(equals: Option<Vec<T>>, within: Option<Vec<T>>) -> Option<Vec<T>> {
    match (equals, within) {
        (Some(mut equals), Some(within)) => {
            equals.extend(within);
            Some(equals)
        }
        (one, other) => one.or(other),
    }
}

fn latest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.max(other)
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

fn view(entry: &Activity, shop: &str) -> Value {
    json!({
        "id": entry.number, "shop": shop, "entityId": entry.contract, "entityType": entry.kind.subject.as_str(),
        "eventSource": entry.source.as_str(), "eventType": entry.kind.event, "status": entry.kind.status.as_str(),
        "createAt": entry.at, "additionalInfo": entry.detail, "clientIp": null,
    })
}
