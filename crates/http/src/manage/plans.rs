//! `/manage/v1/plans`

use super::{answer, created, gone, place};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::fields::{Fields, wrong};
use guildhall_app::plans::{PlanChange, PlanDraft, PriceDraft};
use guildhall_app::{AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::ids::{PermissionId, PlanId, PriceId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, Plan, Price, Status, TRIAL_DAYS_MAX};
use guildhall_domain::scope::Action;
use serde_json::{Map, Value, json};

/// All plans of the app.
pub(crate) async fn list(Extension(caller): Extension<Caller>) -> Response {
    let listed = caller.allow(Action::ManageRead).map(|access| {
        let shown: Vec<_> = access.definitions().plans.iter().map(view).collect();
        json!({ "data": shown })
    });
    answer(listed)
}

/// One plan.
pub(crate) async fn get(Extension(caller): Extension<Caller>, Segment(id): Segment<String>) -> Response {
    let found = caller.allow(Action::ManageRead).and_then(|access| {
        let plan = access.definitions().plan(&PlanId::from_text(id)).ok_or(Code::PlanNotFound)?;
        Ok(json!({ "data": view(plan) }))
    });
    answer(found)
}

/// Creates a plan, with prices if there are any.
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let made = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let draft = PlanDraft {
            name: fields.required_text("name")?,
            description: fields.text("description")?,
            priority: fields.int("priority")?,
            restrict_to_admin: fields.bool("restrictToAdmin")?.unwrap_or(false),
            member_limit: fields.int("memberLimit")?,
            redirects: redirects(&mut fields)?,
            prices: prices(&mut fields)?,
        };
        let plan = http.guildhall().create_plan(&app, draft, actor).await?;
        Ok(json!({ "data": view(&plan) }))
    };
    created(made.await)
}

/// Changes a plan; what is not named stays.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let status = fields
            .text("status")?
            .map(|text| Status::from_stored(&text).ok_or_else(|| wrong("status", "ACTIVE or INACTIVE")));
        let change = PlanChange {
            name: fields.text("name")?,
            description: fields.clearable_text("description")?,
            priority: fields.clearable_int("priority")?,
            status: status.transpose()?,
            restrict_to_admin: fields.bool("restrictToAdmin")?,
            member_limit: fields.clearable_int("memberLimit")?,
        };
        let plan = http.guildhall().update_plan(&app, &PlanId::from_text(id), change, actor).await?;
        Ok(json!({ "data": view(&plan) }))
    };
    answer(updated.await)
}

/// Deletes a plan that nobody holds.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        http.guildhall().delete_plan(&app, &PlanId::from_text(id), actor).await
    };
    gone(deleted.await)
}

/// Adds a price to a plan.
pub(crate) async fn create_price(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let made = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let object = body::json_object(request, http.settings().body_bytes_max).await?;
        let draft = price(object)?;
        let price = http.guildhall().create_price(&app, &PlanId::from_text(id), draft, actor).await?;
        Ok(json!({ "data": price_view(&price) }))
    };
    created(made.await)
}

/// Retires a price, or offers it again.
pub(crate) async fn update_price(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(ids): Segment<(String, String)>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let status = Status::from_stored(&fields.required_text("status")?);
        let status = status.ok_or_else(|| wrong("status", "ACTIVE or INACTIVE"))?;
        let (plan, price) = (PlanId::from_text(ids.0), PriceId::from_text(ids.1));
        let price = http.guildhall().set_price_status(&app, &plan, &price, status, actor).await?;
        Ok(json!({ "data": price_view(&price) }))
    };
    answer(updated.await)
}

/// Lets a plan grant a permission.
pub(crate) async fn grant(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(ids): Segment<(String, String)>,
) -> Response {
    gone(set_permission(&http, &caller, ids, true).await)
}

/// Takes a permission from a plan.
pub(crate) async fn withdraw(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(ids): Segment<(String, String)>,
) -> Response {
    gone(set_permission(&http, &caller, ids, false).await)
}

async fn set_permission(
    http: &Http,
    caller: &Caller,
    (plan, permission): (String, String),
    granted: bool,
) -> Result<(), AppError> {
    let access = caller.allow(Action::ManageWrite)?;
    let (app, actor) = place(caller, &access);
    let (plan, permission) = (PlanId::from_text(plan), PermissionId::from_text(permission));
    http.guildhall().set_plan_permission(&app, &plan, &permission, granted, actor).await
}

/// Only the three redirects that a plan has; each must be text.
fn redirects(fields: &mut Fields) -> Result<JsonObject, AppError> {
    let mut given = Fields::new(fields.object("redirects")?.unwrap_or_default());
    let mut kept = Map::new();
    for name in ["afterLogin", "afterLogout", "afterSignup"] {
        if let Some(text) = given.text(name)? {
            kept.insert(name.into(), text.into());
        }
    }
    Ok(JsonObject::from_map(&kept))
}

fn prices(fields: &mut Fields) -> Result<Vec<PriceDraft>, AppError> {
    let items = fields.array("prices")?.unwrap_or_default();
    let drafts = items.into_iter().map(|item| match item {
        Value::Object(object) => price(object),
        _ => Err(wrong("prices", "an array of objects")),
    });
    drafts.collect()
}

/// `{amount, currency, interval: {type, count} or "once", name?, trialDays?}`
fn price(object: Map<String, Value>) -> Result<PriceDraft, AppError> {
    let mut fields = Fields::new(object);
    let amount = fields.int("amount")?.ok_or_else(|| wrong("amount", "an integer of minor units"))?;
    let currency = fields.text("currency")?.unwrap_or_else(|| "usd".into());
    let money = Money::price(amount, &currency)
        .ok_or_else(|| wrong("amount and currency", "a sane amount and a three-letter code"))?;
    let trial_days = fields.int("trialDays")?.unwrap_or(0);
    let trial_days = u32::try_from(trial_days).ok().filter(|days| *days <= TRIAL_DAYS_MAX);
    let trial_days = trial_days.ok_or_else(|| wrong("trialDays", "a number of days up to 730"))?;
    let interval = interval(fields.take("interval"))?;
    Ok(PriceDraft { name: fields.text("name")?, money, interval, trial_days })
}

fn interval(given: Option<Value>) -> Result<Interval, AppError> {
    let parsed = match &given {
        None => Some(Interval::Once),
        Some(Value::String(unit)) => Interval::from_parts(unit, 1),
        Some(Value::Object(object)) => {
            let unit = object.get("type").and_then(Value::as_str).unwrap_or_default();
            let count = object.get("count").map_or(Some(1), Value::as_u64);
            count
                .and_then(|count| u32::try_from(count).ok())
                .and_then(|count| Interval::from_parts(unit, count))
        }
        Some(_) => None,
    };
    parsed.ok_or_else(|| wrong("interval", "{type: day|week|month|year|once, count}"))
}

fn view(plan: &Plan) -> Value {
    let prices: Vec<_> = plan.prices.iter().map(price_view).collect();
    json!({
        "id": plan.id, "name": plan.name, "description": plan.description, "priority": plan.priority,
        "status": plan.status, "restrictToAdmin": plan.restrict_to_admin, "memberLimit": plan.member_limit,
        "redirects": plan.redirects.to_map(), "isPaid": !plan.is_free(), "prices": prices,
        "permissions": plan.permissions, "createdAt": plan.created_at,
        "number": plan.number,
    })
}

fn price_view(price: &Price) -> Value {
    let interval = price.interval.parts().map(|(unit, count)| json!({ "type": unit, "count": count }));
    let kind = if interval.is_some() { "SUBSCRIPTION" } else { "ONETIME" };
    json!({
        "id": price.id, "name": price.name, "amount": price.money.minor, "currency": price.money.currency,
        "interval": interval, "type": kind, "status": price.status, "number": price.number,
        "trialDays": price.trial_days,
    })
}
