//! Pages on their way out: the frame and the headers that all of them have, and the page of an error.

use super::assets;
use crate::problem::{failed, status, typed};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use guildhall_app::{AppError, PortalVisit};
use guildhall_domain::{Code, Mode};

/// Nothing but our style sheet is loaded, no script runs, and forms are sent to nobody else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// The frame around a page.
pub(super) struct Frame {
    pub css: &'static str,
    pub title: &'static str,
    pub app: String,
    pub email: String,
    pub sandbox: bool,
    /// What every form carries.
    pub mark: String,
}

impl Frame {
    pub fn of(visit: &PortalVisit, title: &'static str) -> Self {
        Self {
            css: assets::css(),
            title,
            app: visit.app().name.clone(),
            email: visit.email().unwrap_or_default().to_owned(),
            sandbox: visit.mode() == Mode::Sandbox,
            mark: visit.form_mark().to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "portal/plain.html")]
struct Plain<'a> {
    css: &'static str,
    title: &'a str,
    message: &'a str,
    /// Whether there are memberships to go back to.
    back: bool,
}

/// A page with everything filled in.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Result<Response, AppError> {
    let html = template.render().map_err(|error| AppError::internal(format!("a template: {error}")))?;
    Ok(secured(typed(status, "text/html; charset=utf-8", html.into_bytes())))
}

/// A page once more, with what was wrong; its status is the error's.
pub(super) fn refused(error: AppError, template: &impl Template) -> Result<Response, AppError> {
    Ok(failed(html(status(error.code.status()), template)?, error))
}

/// With the headers that keep a page to itself.
pub(super) fn secured(mut response: Response) -> Response {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Sends the browser on, with GET.
pub(super) fn redirect(to: &'static str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    secured(response)
}

/// That somebody has signed out.
pub(super) fn signed_out() -> Result<Response, AppError> {
    let message =
        "The link that you came by does not work any more. To come back, ask for a new one where you got it.";
    html(StatusCode::OK, &Plain { css: assets::css(), title: "You are signed out", message, back: false })
}

/// An error as a page.
pub(crate) fn problem(error: AppError) -> Response {
    let number = error.code.status();
    let no_link = matches!(error.code, Code::PortalLinkInvalid | Code::PortalLinkEnded);
    let title = match error.code {
        Code::PortalLinkInvalid => "This link does not work",
        Code::PortalLinkEnded => "This link has ended",
        Code::FormForeign => "This form cannot be sent",
        _ if number == 404 => "There is nothing here",
        _ if number >= 500 => "That did not work",
        _ => "This cannot be done",
    };
    let message = match error.code {
        Code::ContractNotFound | Code::AttemptNotFound => "You have no such membership.",
        _ => &error.message,
    };
    let page = Plain { css: assets::css(), title, message, back: !no_link };
    let response = html(status(number), &page).unwrap_or_default();
    failed(response, error)
}
