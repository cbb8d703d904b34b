//! Plans, their prices and what they grant.

use super::contracts::every;
use super::desk::{Desk, can_be_mended};
use super::form::Form;
use super::money::amount;
use super::shell::Shell;
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::plans::{PlanChange, PlanDraft, PriceDraft};
use guildhall_domain::Code;
use guildhall_domain::contract::Period;
use guildhall_domain::ids::{PlanId, PriceId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, Plan, Price, Status, TRIAL_DAYS_MAX};
use guildhall_domain::scope::Action;

#[derive(Template)]
#[template(path = "dashboard/plans.html")]
struct PlansPage {
    shell: Shell,
    plans: Vec<PlanRow>,
    error: Option<String>,
    name: String,
    /// The app's own.
    currency: String,
}

struct PlanRow {
    id: String,
    name: String,
    active: bool,
    free: bool,
    prices: Vec<PriceRow>,
    holders: i64,
    member_limit: Option<i64>,
    permissions: usize,
    admin_only: bool,
}

/// A price as pages show it.
struct PriceRow {
    id: String,
    name: String,
    text: String,
    trial_days: u32,
    retired: bool,
}

impl PriceRow {
    fn of(price: &Price) -> Self {
        Self {
            id: price.id.to_string(),
            name: price.name.clone().unwrap_or_default(),
            text: price_text(price),
            trial_days: price.trial_days,
            retired: price.status == Status::Inactive,
        }
    }
}

/// `12.50 EUR every month`
pub(super) fn price_text(price: &Price) -> String {
    let often = match price.interval {
        Interval::Once => "once".to_owned(),
        interval => Period::of_interval(interval).map(every).unwrap_or_default(),
    };
    format!("{} {often}", amount(price.money.minor, &price.money.currency))
}

async fn list_page(desk: &Desk, error: Option<String>) -> Result<PlansPage, AppError> {
    let access = desk.allow(Action::ManageRead)?;
    let holders = desk.guildhall().overview(&access).await?.holders;
    let rows = access.definitions().plans.iter().map(|plan| PlanRow {
        id: plan.id.to_string(),
        name: plan.name.clone(),
        active: plan.status == Status::Active,
        free: plan.is_free(),
        prices: plan.prices.iter().map(PriceRow::of).collect(),
        holders: holders.iter().find(|(id, _)| *id == plan.id).map_or(0, |(_, count)| *count),
        member_limit: plan.member_limit,
        permissions: plan.permissions.len(),
        admin_only: plan.restrict_to_admin,
    });
    Ok(PlansPage {
        plans: rows.collect(),
        shell: desk.shell("Plans", "plans"),
        error,
        name: desk.form.get("name").to_owned(),
        currency: access.definitions().app.currency.clone(),
    })
}

/// `GET …/plans`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let page = list_page(&desk, None).await?;
    desk.page(&page)
}

/// `POST …/plans`: a name, and a price if it is not to be free.
pub(super) async fn create(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let created = async {
        let prices = match desk.form.text("amount") {
            Some(_) => vec![price(&desk.form)?],
            None => Vec::new(),
        };
        let draft = PlanDraft {
            name: desk.form.get("name").to_owned(),
            description: None,
            priority: None,
            restrict_to_admin: false,
            member_limit: None,
            redirects: JsonObject::empty(),
            prices,
        };
        desk.guildhall().create_plan(&app, draft, actor).await
    };
    match created.await {
        Ok(plan) => Ok(desk.done(&format!("/plans/{}", plan.id), "created")),
        Err(error) if can_be_mended(&error) => {
            let page = list_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// A price as a form says it: `12.50`, `eur`, `month`, and the days of its trial.
fn price(form: &Form) -> Result<PriceDraft, AppError> {
    let wrong = |what: &'static str| AppError::because(Code::InputInvalid, what);
    let currency = form.get("currency").trim().to_lowercase();
    if Money::price(0, &currency).is_none() {
        return Err(wrong("A currency is three letters, such as eur."));
    }
    let text = form.get("amount").trim().replace(',', ".");
    let plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let minor = Money::from_major(&text, &currency).filter(|_| plain);
    let money = minor.and_then(|minor| Money::price(minor, &currency));
    let money = money.ok_or_else(|| {
        wrong("A price is an amount such as 12.50, with no more digits than its currency has.")
    })?;
    let interval: Interval =
        form.get("interval").parse().map_err(|_| wrong("Choose how often it is paid."))?;
    let trial_days = form.int("trial-days", "The trial")?.unwrap_or(0);
    let trial_days = u32::try_from(trial_days).ok().filter(|days| *days <= TRIAL_DAYS_MAX);
    let trial_days = trial_days.ok_or_else(|| wrong("A trial lasts from 0 to 730 days."))?;
    Ok(PriceDraft { name: form.text("price-name"), money, interval, trial_days })
}

#[derive(Template)]
#[template(path = "dashboard/plan.html")]
struct PlanPage {
    shell: Shell,
    id: String,
    name: String,
    description: String,
    priority: String,
    member_limit: String,
    active: bool,
    admin_only: bool,
    free: bool,
    holders: i64,
    created: When,
    prices: Vec<PriceRow>,
    /// Id, name, whether it is granted.
    permissions: Vec<(String, String, bool)>,
    /// The app's own.
    currency: String,
    error: Option<String>,
}

fn named(desk: &Desk) -> Result<&Plan, AppError> {
    let plan = desk.place()?.definitions().plan(&PlanId::from_text(desk.param("plan")));
    plan.ok_or_else(|| Code::PlanNotFound.into())
}

async fn plan_page(desk: &Desk, error: Option<String>) -> Result<PlanPage, AppError> {
    let access = desk.allow(Action::ManageRead)?;
    let plan = named(desk)?;
    let holders = desk.guildhall().overview(&access).await?.holders;
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let typed = |name: &str, stored: String| match error {
        Some(_) if desk.form.ticked(name) => desk.form.get(name).to_owned(),
        _ => stored,
    };
    let permissions = access.definitions().permissions.iter().map(|permission| {
        let granted = plan.permissions.contains(&permission.id);
        (permission.id.to_string(), permission.name.clone(), granted)
    });
    Ok(PlanPage {
        shell: desk.shell(plan.name.clone(), "plans"),
        id: plan.id.to_string(),
        name: typed("name", plan.name.clone()),
        description: typed("description", plan.description.clone().unwrap_or_default()),
        priority: typed("priority", number(plan.priority)),
        member_limit: typed("limit", number(plan.member_limit)),
        active: plan.status == Status::Active,
        admin_only: plan.restrict_to_admin,
        free: plan.is_free(),
        holders: holders.iter().find(|(id, _)| *id == plan.id).map_or(0, |(_, count)| *count),
        created: desk.when(plan.created_at),
        prices: plan.prices.iter().map(PriceRow::of).collect(),
        permissions: permissions.collect(),
        currency: access.definitions().app.currency.clone(),
        error,
    })
}

/// `GET …/plans/{plan}`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let page = plan_page(&desk, None).await?;
    desk.page(&page)
}

async fn back(
    desk: &Desk,
    result: Result<(), AppError>,
    to: &str,
    notice: &str,
) -> Result<Response, AppError> {
    match result {
        Ok(()) => Ok(desk.done(to, notice)),
        Err(error) if can_be_mended(&error) => {
            let page = plan_page(desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST …/plans/{plan}`
pub(super) async fn update(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let id = named(&desk)?.id.clone();
    let updated = async {
        let form = &desk.form;
        let change = PlanChange {
            name: Some(form.get("name").to_owned()),
            description: Some(form.text("description").map(|text| text.replace('\0', ""))),
            priority: Some(form.int("priority", "The order")?),
            status: Some(if form.ticked("active") { Status::Active } else { Status::Inactive }),
            restrict_to_admin: Some(form.ticked("admin-only")),
            member_limit: Some(form.int("limit", "The member limit")?),
        };
        desk.guildhall().update_plan(&app, &id, change, actor).await.map(|_| ())
    };
    let updated = updated.await;
    back(&desk, updated, &format!("/plans/{id}"), "saved").await
}

/// `POST …/plans/{plan}/prices`
pub(super) async fn add_price(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let id = named(&desk)?.id.clone();
    let added =
        async { desk.guildhall().create_price(&app, &id, price(&desk.form)?, actor).await.map(|_| ()) };
    let added = added.await;
    back(&desk, added, &format!("/plans/{id}"), "created").await
}

/// `POST …/plans/{plan}/prices/{price}`: retires a price, or offers it again.
pub(super) async fn set_price_status(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let id = named(&desk)?.id.clone();
    let set = async {
        let wrong = || AppError::because(Code::InputInvalid, "A price is retired or offered again.");
        let status = Status::from_stored(desk.form.get("status")).ok_or_else(wrong)?;
        let price = PriceId::from_text(desk.param("price"));
        desk.guildhall().set_price_status(&app, &id, &price, status, actor).await.map(|_| ())
    };
    let set = set.await;
    let notice =
        if desk.form.says("status", Status::Inactive.as_str()) { "price-retired" } else { "price-offered" };
    back(&desk, set, &format!("/plans/{id}"), notice).await
}

/// `POST …/plans/{plan}/permissions`: those that are ticked are granted, no others.
pub(super) async fn grant(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let plan = named(&desk)?;
    for permission in &desk.place()?.definitions().permissions {
        let wanted = desk.form.says("permission", permission.id.as_str());
        if wanted != plan.permissions.contains(&permission.id) {
            let guildhall = desk.guildhall();
            guildhall.set_plan_permission(&app, &plan.id, &permission.id, wanted, actor.clone()).await?;
        }
    }
    Ok(desk.done(&format!("/plans/{}", plan.id), "granted"))
}

/// `POST …/plans/{plan}/delete`
pub(super) async fn delete(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let id = named(&desk)?.id.clone();
    let deleted = desk.guildhall().delete_plan(&app, &id, actor).await;
    back(&desk, deleted, "/plans", "deleted").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let read = |amount: &str, currency: &str| {
            let mut form = Form::default();
            for (name, value) in [("amount", amount), ("currency", currency), ("interval", "month")] {
                form.push(name.into(), value.into());
            }
            price(&form).ok().map(|price| price.money.minor)
        };
        for (amount, minor) in [("12.50", 1250), ("12,5", 1250), ("12", 1200), ("0", 0), ("0.07", 7)] {
            assert_eq!(read(amount, "eur"), Some(minor), "{amount}");
        }
        assert_eq!((read("500", "JPY"), read("1.005", "kwd")), (Some(500), Some(1_005)));
        for wrong in ["", "-1", "1.234", "1e5", "ten", "12345678901", ".5", "1.2.3", "+1"] {
            assert_eq!(read(wrong, "eur"), None, "{wrong}");
        }
        assert_eq!((read("1.50", "jpy"), read("1", "euro")), (None, None));
        let trial = |days: &str| {
            let mut form = Form::default();
            for (name, value) in
                [("amount", "1"), ("currency", "eur"), ("interval", "month"), ("trial-days", days)]
            {
                form.push(name.into(), value.into());
            }
            price(&form).ok().map(|price| price.trial_days)
        };
        assert_eq!((trial(""), trial("14"), trial("730")), (Some(0), Some(14), Some(730)));
        assert_eq!((trial("-1"), trial("731"), trial("x")), (None, None, None));
    }
}
