//! `/member…`: what a member sees and changes of its own.

use super::{answer, fields, required, view, written};
use crate::Http;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::account::CredentialChange;
use guildhall_app::passwords::Password;
use guildhall_app::{AppError, Visitor};
use guildhall_domain::Code;
use serde_json::json;

/// `GET /member`. Null for a token that is not good: the SDK then forgets it.
pub(crate) async fn get(State(http): State<Http>, Extension(visitor): Extension<Visitor>) -> Response {
    let found = http.guildhall().account_of(&visitor).await;
    written(found.map(|account| match account {
        Some(account) => view::member(&account, visitor.definitions()),
        None => b"null".to_vec(),
    }))
}

/// `POST /member`: custom fields, and nothing else.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let updated = async {
        let custom_fields = fields(&http, request).await?.object("customFields")?.unwrap_or_default();
        let account = http.guildhall().update_own_fields(&visitor, custom_fields).await?;
        Ok(view::member(&account, visitor.definitions()))
    };
    written(updated.await)
}

/// `DELETE /member`
pub(crate) async fn delete(State(http): State<Http>, Extension(visitor): Extension<Visitor>) -> Response {
    let deleted = http.guildhall().delete_own(&visitor).await;
    answer(deleted.map(|id| json!({ "id": id })))
}

/// `POST /member/logout`. Whoever is not logged in is logged out already.
pub(crate) async fn log_out(State(http): State<Http>, Extension(visitor): Extension<Visitor>) -> Response {
    let ended = http.guildhall().log_out(&visitor).await;
    answer(ended.map(|redirect| redirect.map_or_else(|| json!({}), |to| json!({ "redirect": to }))))
}

/// `POST /member-auth`: the address, the password, or both.
pub(crate) async fn change_credentials(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let changed = async {
        let mut fields = fields(&http, request).await?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let change = CredentialChange {
            email: given(fields.text("email")?),
            old_password: given(fields.text("oldPassword")?).map(Password::new).transpose()?,
            new_password: given(fields.text("newPassword")?).map(Password::new).transpose()?,
        };
        let account = http.guildhall().change_credentials(&visitor, change).await?;
        Ok(view::member(&account, visitor.definitions()))
    };
    written(changed.await)
}

/// `POST /member/set-password`, by a member that has none.
pub(crate) async fn set_password(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let set = async {
        let password = Password::new(required(&mut fields(&http, request).await?, "password")?)?;
        let account = http.guildhall().set_password(&visitor, password).await?;
        Ok(view::member(&account, visitor.definitions()))
    };
    written(set.await)
}

/// `GET /member/json`
pub(crate) async fn get_json(State(http): State<Http>, Extension(visitor): Extension<Visitor>) -> Response {
    let found = http.guildhall().own_json(&visitor).await;
    written(found.map(|json| json.as_str().as_bytes().to_vec()))
}

/// `POST /member/json`: replaces it whole.
pub(crate) async fn replace_json(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let replaced = async {
        let missing = || AppError::because(Code::FieldMissing, "json is required.");
        let json = fields(&http, request).await?.object("json")?.ok_or_else(missing)?;
        let stored = http.guildhall().replace_own_json(&visitor, json).await?;
        Ok(stored.as_str().as_bytes().to_vec())
    };
    written(replaced.await)
}

/// `POST /member/plans/add`
pub(crate) async fn add_plan(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let added = async {
        let plan = required(&mut fields(&http, request).await?, "planId")?;
        let (account, redirect) = http.guildhall().add_own_plan(&visitor, &plan).await?;
        let definitions = visitor.definitions();
        Ok(json!({
            "member": view::member_value(&account, definitions),
            "redirect": redirect,
            "app": view::app(definitions, visitor.mode()),
        }))
    };
    answer(added.await)
}

/// `POST /member/plans/remove`
pub(crate) async fn remove_plan(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let removed = async {
        let plan = required(&mut fields(&http, request).await?, "planId")?;
        let account = http.guildhall().remove_own_plan(&visitor, &plan).await?;
        Ok(json!({ "member": view::member_value(&account, visitor.definitions()) }))
    };
    answer(removed.await)
}
