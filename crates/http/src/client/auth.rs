//! `/auth/…`: signing up, signing in, and the codes for both.

use super::{answer, email, fields, required, view};
use crate::Http;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use guildhall_app::account::{SignUp, SignUpProof};
use guildhall_app::fields::{Fields, wrong};
use guildhall_app::passwords::Password;
use guildhall_app::{AppError, Visitor};
use guildhall_domain::Code;
use serde_json::{Value, json};

/// `POST /auth/signup`, with a password or, with `?isPasswordless=true`, a mailed code.
pub(crate) async fn sign_up(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
    request: Request,
) -> Response {
    let signed_up = async {
        let sign_up = read_sign_up(fields(&http, request).await?, is_passwordless(&uri))?;
        let sign_in = http.guildhall().sign_up(&visitor, sign_up).await?;
        Ok(view::signed_in(&sign_in, visitor.definitions()))
    };
    answer(signed_up.await)
}

/// `POST /auth/login`
pub(crate) async fn log_in(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let logged_in = async {
        let mut fields = fields(&http, request).await?;
        let (email, password) = (email(&mut fields)?, Password::new(required(&mut fields, "password")?)?);
        let sign_in = http.guildhall().log_in(&visitor, &email, password).await?;
        Ok(view::signed_in(&sign_in, visitor.definitions()))
    };
    answer(logged_in.await)
}

/// `POST /auth/passwordless/login`
pub(crate) async fn log_in_with_code(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let logged_in = async {
        let mut fields = fields(&http, request).await?;
        let (email, code) = (email(&mut fields)?, required(&mut fields, "passwordlessToken")?);
        let sign_in = http.guildhall().log_in_with_code(&visitor, &email, &code).await?;
        Ok(view::signed_in(&sign_in, visitor.definitions()))
    };
    answer(logged_in.await)
}

/// `POST /auth/passwordless/login/send`
pub(crate) async fn send_log_in_code(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let sent = async {
        let email = email(&mut fields(&http, request).await?)?;
        http.guildhall().send_log_in_code(&visitor, &email).await?;
        Ok(json!({ "success": true }))
    };
    answer(sent.await)
}

/// `POST /auth/passwordless/signup/send`
pub(crate) async fn send_sign_up_code(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let sent = async {
        let email = email(&mut fields(&http, request).await?)?;
        http.guildhall().send_sign_up_code(&visitor, &email).await?;
        Ok(json!({ "success": true }))
    };
    answer(sent.await)
}

/// `POST /auth/send-reset-password-email`. The same words for every address.
pub(crate) async fn send_reset_code(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let sent = async {
        let email = email(&mut fields(&http, request).await?)?;
        http.guildhall().send_reset_code(&visitor, &email).await?;
        Ok(json!("If a member has this email, a code is on its way to it."))
    };
    answer(sent.await)
}

/// `POST /auth/reset-password`
pub(crate) async fn reset_password(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let reset = async {
        let mut fields = fields(&http, request).await?;
        let code = required(&mut fields, "token")?;
        let password = Password::new(required(&mut fields, "newPassword")?)?;
        http.guildhall().reset_password(&visitor, &code, password).await?;
        Ok(json!({ "success": true }))
    };
    answer(reset.await)
}

/// `POST /auth/send-email-verification`, by a member.
pub(crate) async fn send_verification(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let sent = async {
        let origin = fields(&http, request).await?.text("origin_domain")?;
        http.guildhall().send_verification(&visitor, origin.as_deref()).await?;
        Ok(json!({ "success": true }))
    };
    answer(sent.await)
}

fn read_sign_up(mut fields: Fields, passwordless: bool) -> Result<SignUp, AppError> {
    let email = email(&mut fields)?;
    let proof = if passwordless {
        SignUpProof::Code(required(&mut fields, "passwordlessToken")?)
    } else {
        let password = fields.text("password")?.filter(|text| !text.is_empty());
        SignUpProof::Password(Password::new(password.ok_or(Code::PasswordMissing)?)?)
    };
    Ok(SignUp {
        email,
        proof,
        plans: plan_ids(&mut fields)?,
        custom_fields: fields.object("customFields")?.unwrap_or_default(),
        meta_data: fields.object("metaData")?.unwrap_or_default(),
    })
}

/// `plans` is a list of `{planId}`.
fn plan_ids(fields: &mut Fields) -> Result<Vec<String>, AppError> {
    let items = fields.array("plans")?.unwrap_or_default();
    let ids = items.iter().map(|item| item.get("planId").and_then(Value::as_str).map(str::to_owned));
    ids.map(|id| id.ok_or_else(|| wrong("plans", "an array of {planId}"))).collect()
}

fn is_passwordless(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "isPasswordless" && value == "true")
}
