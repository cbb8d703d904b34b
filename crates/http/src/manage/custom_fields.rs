//! `/manage/v1/custom-fields`

use super::{answer, created, gone, place};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::custom_fields::FieldDraft;
use guildhall_app::fields::{Fields, wrong};
use guildhall_app::{AppError, Caller};
use guildhall_domain::custom_field::{CustomField, Visibility};
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// All custom fields of the app.
pub(crate) async fn list(Extension(caller): Extension<Caller>) -> Response {
    let listed = caller.allow(Action::ManageRead).map(|access| {
        let shown: Vec<_> = access.definitions().custom_fields.iter().map(view).collect();
        json!({ "data": shown })
    });
    answer(listed)
}

/// Defines one.
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let made = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let key = fields.required_text("key")?;
        let field = http.guildhall().create_custom_field(&app, draft(key, &mut fields)?, actor).await?;
        Ok(json!({ "data": view(&field) }))
    };
    created(made.await)
}

/// Replaces everything of one but its key.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(key): Segment<String>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let field = http.guildhall().update_custom_field(&app, draft(key, &mut fields)?, actor).await?;
        Ok(json!({ "data": view(&field) }))
    };
    answer(updated.await)
}

/// Deletes a definition; values that members have stay stored.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(key): Segment<String>,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        http.guildhall().delete_custom_field(&app, &key, actor).await
    };
    gone(deleted.await)
}

fn draft(key: String, fields: &mut Fields) -> Result<FieldDraft, AppError> {
    let visibility = match fields.text("visibility")? {
        None => Visibility::Private,
        Some(text) => Visibility::from_stored(&text.to_ascii_uppercase())
            .ok_or_else(|| wrong("visibility", "PRIVATE, PUBLIC or MEMBERS"))?,
    };
    Ok(FieldDraft {
        key,
        label: fields.required_text("label")?,
        hidden: fields.bool("hidden")?.unwrap_or(false),
        visibility,
        restrict_to_admin: fields.bool("restrictToAdmin")?.unwrap_or(false),
        position: fields.int("order")?,
    })
}

fn view(field: &CustomField) -> Value {
    json!({
        "id": field.id, "key": field.key, "label": field.label, "hidden": field.hidden,
        "visibility": field.visibility, "restrictToAdmin": field.restrict_to_admin, "order": field.position,
    })
}
