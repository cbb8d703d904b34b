//! Signing in with a password, and out.

use super::assets;
use super::desk::Desk;
use super::door::set_cookie;
use super::page::{html, redirect};
use crate::problem::{failed, status};
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::passwords::Password;
use guildhall_domain::Code;

#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
struct Page<'a> {
    css: &'static str,
    email: &'a str,
    next: &'a str,
    error: Option<String>,
    signed_out: bool,
}

impl<'a> Page<'a> {
    fn new(email: &'a str, next: &'a str) -> Self {
        Self { css: assets::address("dashboard.css"), email, next, error: None, signed_out: false }
    }
}

/// `GET /dashboard/sign-in`
pub(super) async fn form(desk: Desk) -> Result<Response, AppError> {
    let mut page = Page::new("", own_path(desk.query.get("next")));
    page.signed_out = desk.query.says("done", "signed-out");
    html(StatusCode::OK, &page)
}

/// `POST /dashboard/sign-in`
pub(super) async fn sign_in(desk: Desk) -> Result<Response, AppError> {
    let (email, next) = (desk.form.get("email"), own_path(desk.form.get("next")));
    let begun = async {
        let password = Password::new(desk.form.get("password")).map_err(|_| Code::CredentialsInvalid)?;
        desk.guildhall().sign_in_operator(email, password, desk.origin()).await
    };
    match begun.await {
        Ok(begun) => {
            let mut response = redirect(if next.is_empty() { "/dashboard" } else { next });
            if let Some(cookie) = set_cookie(&desk.http, Some(begun.reveal())) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(error) if matches!(error.code, Code::CredentialsInvalid | Code::RateLimited) => {
            let mut page = Page::new(email, next);
            page.error = Some(match error.retry_after_s {
                Some(seconds) => format!("Too many attempts. Try again in {seconds} seconds."),
                None => "This address and password do not belong together.".to_owned(),
            });
            Ok(failed(html(status(error.code.status()), &page)?, error))
        }
        Err(error) => Err(error),
    }
}

/// `POST /dashboard/sign-out`
pub(super) async fn sign_out(desk: Desk) -> Result<Response, AppError> {
    let operator = desk.operator()?;
    desk.guildhall().end_operator_session(operator, operator.session()).await?;
    let mut response = redirect("/dashboard/sign-in?done=signed-out");
    if let Some(cookie) = set_cookie(&desk.http, None) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where to go after signing in: a page of the dashboard, never another site.
fn own_path(next: &str) -> &str {
    let plain = next.starts_with("/dashboard/") && !next.contains("//") && !next.contains(['\\', '\r', '\n']);
    if plain && next.is_ascii() { next } else { "" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn signing_in_leads_to_no_other_site() {
        assert_eq!(own_path("/dashboard/apps/a/live?q=x"), "/dashboard/apps/a/live?q=x");
        for other in [
            "//evil.io",
            "https://evil.io",
            "/members",
            "/dashboard//evil",
            "/dashboard/\\evil",
            "/dashboard/\r\nx",
        ] {
            assert_eq!(own_path(other), "", "{other}");
        }
    }
}
