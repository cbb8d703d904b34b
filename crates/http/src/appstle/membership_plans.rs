//! `membership-plans`: the guide layer's list of what can be held.

use super::answer::Answer;
use super::call::Call;
use super::guide::{amount, content, cycle, enter};
use super::paging::Page;
use axum::response::Response;
use guildhall_domain::plan::{Plan, Price, Status};
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// `GET membership-plans?shop=`: `{content: [plan], totalElements}`, those that can still be taken. The shape is
/// ours (wire contract B.2: the path alone is known).
pub(crate) async fn list(call: Call) -> Response {
    let listed = || {
        let (access, params) = enter(&call, Action::ContractRead)?;
        let page = Page::of(&call, &params)?;
        let plans = access.definitions().plans.iter().filter(|plan| plan.status == Status::Active);
        let total = plans.clone().count() as u64;
        Ok(Answer::json(&content(page.cut(plans).into_iter().map(view).collect(), total)))
    };
    call.answer(listed())
}

fn view(plan: &Plan) -> Value {
    let prices = plan.prices.iter().filter(|price| price.status == Status::Active);
    let prices: Vec<_> = prices.map(price_view).collect();
    json!({
        "id": plan.number, "name": plan.name, "description": plan.description, "free": plan.is_free(),
        "prices": prices,
    })
}

fn price_view(price: &Price) -> Value {
    json!({
        "id": price.number, "name": price.name, "price": amount(price.money.minor, &price.money.currency),
        "currencyCode": price.money.currency.to_ascii_uppercase(), "billingCycleType": cycle(price.interval),
        "billingCycleCount": price.interval.parts().map_or(1, |(_, count)| count), "trialDays": price.trial_days,
    })
}
