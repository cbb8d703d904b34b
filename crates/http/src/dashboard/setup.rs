//! Where a one-time link leads: choosing a password, and at the first start becoming the operator.

use super::assets;
use super::desk::{Desk, can_be_mended};
use super::door::set_cookie;
use super::page::{html, redirect};
use crate::problem::{failed, status};
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::operators::{BegunSession, LinkHolder};
use guildhall_app::passwords::Password;
use guildhall_domain::Code;
use guildhall_domain::operator::OPERATOR_PASSWORD_CHARS_MIN;

#[derive(Template)]
#[template(path = "dashboard/setup.html")]
struct Page<'a> {
    css: &'static str,
    token: &'a str,
    /// Somebody that there is; nothing for whoever is the first.
    holder: Option<(&'a str, &'a str)>,
    email: &'a str,
    name: &'a str,
    chars_min: usize,
    error: Option<String>,
}

/// `GET /dashboard/setup?token=…`. Opening it uses nothing up: programs that look at links in mails do.
pub(super) async fn form(desk: Desk) -> Result<Response, AppError> {
    let token = desk.query.get("token");
    let holder = desk.guildhall().look_at_operator_link(token).await?;
    html(StatusCode::OK, &page(token, &holder, "", "", None))
}

/// `POST /dashboard/setup`
pub(super) async fn set(desk: Desk) -> Result<Response, AppError> {
    let token = desk.form.get("token");
    let holder = desk.guildhall().look_at_operator_link(token).await?;
    match use_link(&desk, token).await {
        Ok(begun) => {
            let mut response = redirect("/dashboard");
            if let Some(cookie) = set_cookie(&desk.http, Some(begun.reveal())) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(error) if can_be_mended(&error) && error.code != Code::LinkInvalid => {
            let (email, name) = (desk.form.get("email"), desk.form.get("name"));
            let page = page(token, &holder, email, name, Some(error.message.to_string()));
            Ok(failed(html(status(error.code.status()), &page)?, error))
        }
        Err(error) => Err(error),
    }
}

async fn use_link(desk: &Desk, token: &str) -> Result<BegunSession, AppError> {
    let form = &desk.form;
    if form.get("password") != form.get("again") {
        return Err(AppError::because(Code::InputInvalid, "The two passwords are not the same."));
    }
    let password = Password::new(form.get("password"))?;
    let newcomer = Some((form.get("email"), form.get("name")));
    desk.guildhall().use_operator_link(token, newcomer, password, desk.origin()).await
}

fn page<'a>(
    token: &'a str,
    holder: &'a LinkHolder,
    email: &'a str,
    name: &'a str,
    error: Option<String>,
) -> Page<'a> {
    let holder = match holder {
        LinkHolder::Newcomer => None,
        LinkHolder::Operator(operator) => Some((operator.name.as_str(), operator.email.as_str())),
    };
    let css = assets::address("dashboard.css");
    Page { css, token, holder, email, name, chars_min: OPERATOR_PASSWORD_CHARS_MIN, error }
}
