//! `POST /members`

use super::{answer, data};
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::fields::{Fields, wrong};
use guildhall_app::members::{Draft, Shown};
use guildhall_app::passwords::Password;
use guildhall_app::{AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::{Map, Value};

/// Creates a member.
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let created = async {
        let access = caller.allow(Action::MemberWrite)?;
        let draft = draft(body::json_object(request, http.settings().body_bytes_max).await?)?;
        let member = http.guildhall().create_member(&access, draft).await?;
        Ok(data(&member, &access, Shown { json: true, teams: false }))
    };
    answer(created.await)
}

fn draft(object: Map<String, Value>) -> Result<Draft, AppError> {
    let mut fields = Fields::new(object);
    Ok(Draft {
        email: email(&mut fields)?,
        password: fields.text("password")?.filter(|text| !text.is_empty()).map(Password::new).transpose()?,
        plans: plan_ids(&mut fields)?,
        custom_fields: fields.object("customFields")?.unwrap_or_default(),
        meta_data: fields.object("metaData")?.unwrap_or_default(),
        json: fields.object("json")?.unwrap_or_default(),
        login_redirect: fields.text("loginRedirect")?,
        verified: false,
    })
}

/// An address of the wrong type is a bad address, not a missing one.
pub(super) fn email(fields: &mut Fields) -> Result<Option<String>, AppError> {
    match fields.take("email") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Code::EmailInvalid.into()),
    }
}

/// `plans` is a list of `{planId}`.
fn plan_ids(fields: &mut Fields) -> Result<Vec<String>, AppError> {
    let items = fields.array("plans")?.unwrap_or_default();
    let ids = items.iter().map(|item| item.get("planId").and_then(Value::as_str).map(str::to_owned));
    ids.map(|id| id.ok_or_else(|| wrong("plans", "an array of {planId}"))).collect()
}
