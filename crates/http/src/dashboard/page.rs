//! Pages on their way out: the headers that all of them carry, and the page of an error.

use super::assets;
use crate::problem::{failed, status, typed};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_domain::Code;

/// Nothing but what this server sends runs, styles, frames or is posted to.
const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
                      frame-ancestors 'none'; img-src 'self' data:";

#[derive(Template)]
#[template(path = "dashboard/error.html")]
struct ErrorPage<'a> {
    css: &'static str,
    title: &'a str,
    message: &'a str,
    status: u16,
}

/// A page with everything filled in.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Result<Response, AppError> {
    let html = template.render().map_err(|error| AppError::internal(format!("a template: {error}")))?;
    Ok(secured(typed(status, "text/html; charset=utf-8", html.into_bytes())))
}

/// With the headers that keep a page to itself.
pub(super) fn secured(mut response: Response) -> Response {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sends the browser on, with GET.
pub(super) fn redirect(to: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    // What cannot stand in a header is none of our addresses.
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/dashboard"));
    response.headers_mut().insert(header::LOCATION, to);
    secured(response)
}

/// An error as a page.
pub(crate) fn problem(error: AppError) -> Response {
    let number = error.code.status();
    let title = match error.code {
        Code::RoleMissing => "Your role does not allow this",
        Code::FormForeign => "This form cannot be sent",
        Code::RateLimited => "Too many attempts",
        _ if number == 404 => "There is nothing here",
        _ if number >= 500 => "That did not work",
        _ => "This cannot be done",
    };
    let page =
        ErrorPage { css: assets::address("dashboard.css"), title, message: &error.message, status: number };
    let response = html(status(number), &page).unwrap_or_default();
    failed(response, error)
}
