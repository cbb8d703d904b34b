//! The one page that a mail leads to: confirming an address. It works without scripts, and opening it
//! uses up nothing.

use crate::problem::{failed, status, typed};
use crate::{Http, body};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use guildhall_app::AppError;

#[derive(Template)]
#[template(path = "verify_email.html")]
struct Page<'a> {
    token: Option<&'a str>,
    app: Option<&'a str>,
    origin: Option<&'a str>,
}

/// `GET /auth/verify-email?token=…`: a page with a button.
pub(crate) async fn verify_email(State(http): State<Http>, uri: Uri) -> Response {
    let token = parameter(uri.query().unwrap_or_default().as_bytes(), "token");
    match http.guildhall().look_at_verification(&token).await {
        Ok(()) => page(StatusCode::OK, &Page { token: Some(&token), app: None, origin: None }),
        Err(error) => refusal(error),
    }
}

/// `POST /auth/verify-email`: the button was pressed.
pub(crate) async fn confirm_email(State(http): State<Http>, request: Request) -> Response {
    let confirmed = async {
        let form = body::collect(request.into_body(), http.settings().body_bytes_max).await?;
        http.guildhall().confirm_email(&parameter(&form, "token")).await
    };
    match confirmed.await {
        Ok(confirmed) => {
            let (app, origin) = (Some(confirmed.app.as_str()), confirmed.origin.as_deref());
            page(StatusCode::OK, &Page { token: None, app, origin })
        }
        Err(error) => refusal(error),
    }
}

fn refusal(error: AppError) -> Response {
    let number = status(error.code.status());
    failed(page(number, &Page { token: None, app: None, origin: None }), error)
}

/// A page that no other may show in a frame, and that tells nobody where it was opened.
fn page(status: StatusCode, page: &Page<'_>) -> Response {
    let html = page.render().unwrap_or_default();
    let mut response = typed(status, "text/html; charset=utf-8", html.into_bytes());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A parameter of a query or form; empty if it is absent.
fn parameter(encoded: &[u8], name: &str) -> String {
    let mut parameters = form_urlencoded::parse(encoded);
    let found = parameters.find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
