//! `subscription-groups`: plans as groups of selling plans, one for each price (wire contract C.1, 53 and 54).

mod draft;
mod view;

use super::answer::Answer;
use super::call::Call;
use super::problem::{Problem, SUBSCRIPTION_GROUP};
use crate::segment::Segment;
use axum::extract::Request;
use axum::response::Response;
use guildhall_app::Access;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::plan::{Plan, Status};
use guildhall_domain::scope::Action;
use serde_json::Value;
use view::view;

/// `GET subscription-groups`: those that can still be taken, all on one page.
pub(crate) async fn list(call: Call) -> Response {
    let listed = call.allow(Action::ContractRead).map(|access| {
        let plans = access.definitions().plans.iter().filter(|plan| plan.status == Status::Active);
        Answer::json(&Value::Array(plans.map(view).collect()))
    });
    call.answer(listed)
}

/// `GET subscription-groups/{id}`, also one that nobody can take any more. 404 if there is none.
pub(crate) async fn get(call: Call, Segment(id): Segment<String>) -> Response {
    let found = || {
        let access = call.allow(Action::ContractRead)?;
        let plan = find(&access, call.number("id", &id)?).ok_or(Code::PlanNotFound)?;
        Ok(Answer::json(&view(plan)))
    };
    call.answer(found())
}

/// `POST subscription-groups`: 201 with the group. One with an id exists already: 400 `idexists`.
pub(crate) async fn create(call: Call, request: Request) -> Response {
    let made = async {
        let access = call.allow(Action::ContractWrite)?;
        let mut fields = call.fields(request).await?;
        if fields.take("id").is_some() {
            let message = "A new subscriptionGroup cannot already have an ID";
            return Err(Problem::alert(Code::BodyInvalid, SUBSCRIPTION_GROUP, "idexists", message));
        }
        let app = &access.definitions().app;
        let draft = draft::group(&mut fields, app)?;
        let actor = Actor::Key(call.caller().key_id().clone());
        let plan = call.guildhall().create_plan(&app.id, draft, actor).await?;
        let number = plan.number.to_string();
        let text = format!("A new subscriptionGroup is created with identifier {number}");
        Ok(Answer::created(&view(&plan)).alert(&text, &number))
    };
    call.answer(made.await)
}

/// `PUT subscription-groups/{id}/add-products?productIds=&variantIds=`: the group. Here a plan is its group's only
/// product and its prices are the variants, so those are there already; others cannot be added (400). A group that is
/// not the caller's is 400 `idnull`, as is a call that names nothing to add.
pub(crate) async fn add_products(call: Call, Segment(id): Segment<String>) -> Response {
    let added = || {
        let access = call.allow(Action::ContractWrite)?;
        let params = call.params()?;
        let id = call.number("id", &id)?;
        let (products, variants) = (params.numbers("productIds")?, params.numbers("variantIds")?);
        if products.is_empty() && variants.is_empty() {
            return Err(Problem::parameter("Name what to add in 'productIds' or 'variantIds'."));
        }
        let plan = find(&access, id).ok_or_else(|| Problem::invalid_id(SUBSCRIPTION_GROUP))?;
        let own = products.iter().all(|product| *product == plan.number)
            && variants.iter().all(|variant| plan.prices.iter().any(|price| price.number == *variant));
        if !own {
            let message = "A plan is its group's only product, and its prices are the variants.";
            return Err(Problem::alert(Code::InputInvalid, SUBSCRIPTION_GROUP, "productNotOfGroup", message));
        }
        let number = plan.number.to_string();
        let text = format!("A subscriptionGroup is updated with identifier {number}");
        Ok(Answer::json(&view(plan)).alert(&text, &number))
    };
    call.answer(added())
}

fn find<'a>(access: &Access<'a>, number: i64) -> Option<&'a Plan> {
    access.definitions().plans.iter().find(|plan| plan.number == number)
}
