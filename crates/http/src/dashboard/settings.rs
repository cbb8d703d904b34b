//! Settings → app: its name, its shop, how its members sign in, and how its contracts are billed.

use super::desk::{Desk, can_be_mended};
use super::form::Form;
use super::shell::Shell;
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::apps::AppChange;
use guildhall_domain::Code;
use guildhall_domain::contract::DunningOutcome;

const DAY_S: i64 = 24 * 3600;

#[derive(Template)]
#[template(path = "dashboard/settings.html")]
struct SettingsPage {
    shell: Shell,
    id: String,
    name: String,
    shop: String,
    api_access: bool,
    passwordless: bool,
    self_delete: bool,
    session_days: String,
    time_zone: String,
    currency: String,
    retries: String,
    retry_days: String,
    /// What is done when all tries have failed: as stored, in words, whether it is the one.
    outcomes: Vec<(&'static str, &'static str, bool)>,
    created: When,
    public_url: String,
    error: Option<String>,
}

fn page(desk: &Desk, error: Option<String>) -> Result<SettingsPage, AppError> {
    let (app, form) = (&desk.place()?.definitions().app, &desk.form);
    let again = error.is_some();
    let typed = |name: &str, stored: String| if again { form.get(name).to_owned() } else { stored };
    let ticked = |name: &str, stored: bool| if again { form.ticked(name) } else { stored };
    let outcome = typed("dunning-outcome", app.dunning.outcome.as_str().to_owned());
    let outcomes =
        DunningOutcome::ALL.map(|known| (known.as_str(), in_words(known), known.as_str() == outcome));
    Ok(SettingsPage {
        shell: desk.shell("App", "settings"),
        id: app.id.to_string(),
        name: typed("name", app.name.clone()),
        shop: typed("shop", app.shop.clone().unwrap_or_default()),
        api_access: ticked("api-access", app.api_access),
        passwordless: ticked("passwordless", app.passwordless),
        self_delete: ticked("self-delete", app.member_self_delete),
        session_days: typed("session-days", days(app.session_seconds)),
        time_zone: typed("time-zone", app.time_zone.clone()),
        currency: typed("currency", app.currency.clone()),
        retries: typed("dunning-retries", app.dunning.retries.to_string()),
        retry_days: typed("dunning-days", app.dunning.days.to_string()),
        outcomes: outcomes.to_vec(),
        created: desk.when(app.created_at),
        public_url: desk.guildhall().public_url().to_owned(),
        error,
    })
}

const fn in_words(outcome: DunningOutcome) -> &'static str {
    match outcome {
        DunningOutcome::Cancel => "Cancel the contract",
        DunningOutcome::Pause => "Pause the contract",
        DunningOutcome::Skip => "Leave the period out",
    }
}

/// How contracts are billed, as the form says it: what is left out stays.
fn billing(form: &Form) -> Result<AppChange, AppError> {
    let wrong = |message: &'static str| AppError::because(Code::InputInvalid, message);
    let bounded = |name: &str, label: &str, least: i64, message: &'static str| {
        let number = form.int(name, label)?;
        let fits = number.is_none_or(|number| (least..=15).contains(&number));
        if fits { Ok(number) } else { Err(wrong(message)) }
    };
    let retries = "A failed charge can be tried again from 0 to 15 times.";
    let days = "Between two tries lie from 1 to 15 days.";
    let outcome = form.text("dunning-outcome");
    if outcome.as_deref().is_some_and(|outcome| DunningOutcome::from_stored(outcome).is_none()) {
        return Err(wrong("Choose what is done when all tries have failed."));
    }
    Ok(AppChange {
        time_zone: form.text("time-zone"),
        currency: form.text("currency"),
        dunning_retries: bounded("dunning-retries", "The number of tries", 0, retries)?,
        dunning_days: bounded("dunning-days", "The days between tries", 1, days)?,
        dunning_outcome: outcome,
        ..AppChange::default()
    })
}

/// `14`, or `0.5`: in days, as exactly as anybody sets it.
fn days(seconds: i64) -> String {
    if seconds % DAY_S == 0 {
        (seconds / DAY_S).to_string()
    } else {
        format!("{:.4}", seconds as f64 / DAY_S as f64)
    }
}

/// `GET …/settings`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let page = page(&desk, None)?;
    desk.page(&page)
}

/// `POST …/settings`
pub(super) async fn update(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let updated = async {
        let form = &desk.form;
        let given = form.get("session-days").trim();
        let wrong = || AppError::because(Code::InputInvalid, "A session lasts some days, such as 14.");
        let session_seconds = if given == days(desk.place()?.definitions().app.session_seconds) {
            None
        } else {
            let days: f64 = given.parse().map_err(|_| wrong())?;
            let fits = days.is_finite() && (0.0..=10_000.0).contains(&days);
            Some(if fits { (days * DAY_S as f64) as i64 } else { return Err(wrong()) })
        };
        let change = AppChange {
            name: Some(form.get("name").to_owned()),
            shop: Some(form.get("shop").trim().to_owned()),
            api_access: Some(form.ticked("api-access")),
            passwordless: Some(form.ticked("passwordless")),
            member_self_delete: Some(form.ticked("self-delete")),
            session_seconds,
            ..billing(form)?
        };
        desk.guildhall().update_app(&app, change, actor).await
    };
    match updated.await {
        Ok(_) => Ok(desk.done("/settings", "saved")),
        Err(error) if can_be_mended(&error) => {
            let page = page(&desk, Some(error.message.to_string()))?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}
