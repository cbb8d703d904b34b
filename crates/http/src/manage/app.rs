//! `/manage/v1/app`

use super::{answer, place};
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::Caller;
use guildhall_app::apps::AppChange;
use guildhall_app::fields::Fields;
use guildhall_domain::scope::Action;
use guildhall_domain::{App, Mode};
use serde_json::{Value, json};

/// The key's app.
pub(crate) async fn get(State(_): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let found = caller.allow(Action::ManageRead);
    answer(found.map(|access| view(&access.definitions().app, access.mode())))
}

/// Changes how the app's members sign in, and how its contracts are billed.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let change = AppChange {
            name: fields.text("name")?,
            passwordless: fields.bool("passwordless")?,
            session_seconds: fields.int("sessionSeconds")?,
            member_self_delete: fields.bool("memberSelfDelete")?,
            time_zone: fields.text("timeZone")?,
            currency: fields.text("currency")?,
            dunning_retries: fields.int("dunningRetries")?,
            dunning_days: fields.int("dunningDays")?,
            dunning_outcome: fields.text("dunningOutcome")?,
            ..AppChange::default()
        };
        let app = http.guildhall().update_app(&app, change, actor).await?;
        Ok(view(&app, access.mode()))
    };
    answer(updated.await)
}

fn view(app: &App, mode: Mode) -> Value {
    json!({
        "id": app.id, "name": app.name, "shop": app.shop, "apiAccess": app.api_access,
        "passwordless": app.passwordless, "sessionSeconds": app.session_seconds,
        "memberSelfDelete": app.member_self_delete, "environment": mode, "createdAt": app.created_at,
        "timeZone": app.time_zone, "currency": app.currency, "dunningRetries": app.dunning.retries,
        "dunningDays": app.dunning.days, "dunningOutcome": app.dunning.outcome.as_str(),
    })
}
