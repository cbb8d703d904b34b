//! An operator's own account: the password, and where they are signed in.

use super::desk::{Desk, can_be_mended};
use super::page::redirect;
use super::shell::Shell;
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::passwords::Password;
use guildhall_domain::Code;
use guildhall_domain::ids::OperatorSessionId;
use guildhall_domain::operator::OPERATOR_PASSWORD_CHARS_MIN;

#[derive(Template)]
#[template(path = "dashboard/account.html")]
struct Page {
    shell: Shell,
    email: String,
    sessions: Vec<Row>,
    chars_min: usize,
    error: Option<String>,
}

struct Row {
    id: String,
    browser: String,
    address: String,
    begun: When,
    seen: When,
    current: bool,
}

/// `GET /dashboard/account`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
    let page = page(&desk, None).await?;
    desk.page(&page)
}

/// `POST /dashboard/account/password`
pub(super) async fn change_password(desk: Desk) -> Result<Response, AppError> {
    let changed = async {
        let form = &desk.form;
        if form.get("password") != form.get("again") {
            return Err(AppError::because(Code::InputInvalid, "The two passwords are not the same."));
        }
        let (old, new) = (Password::new(form.get("old"))?, Password::new(form.get("password"))?);
        desk.guildhall().change_operator_password(desk.operator()?, old, new).await
    };
    match changed.await {
        Ok(()) => Ok(redirect("/dashboard/account?done=password")),
        Err(error) if can_be_mended(&error) => {
            let page = page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /dashboard/account/sessions/end`
pub(super) async fn end_session(desk: Desk) -> Result<Response, AppError> {
    let session = OperatorSessionId::from_text(desk.form.get("session"));
    desk.guildhall().end_operator_session(desk.operator()?, &session).await?;
    Ok(redirect("/dashboard/account?done=session-ended"))
}

/// `POST /dashboard/account/sessions/end-others`
pub(super) async fn end_others(desk: Desk) -> Result<Response, AppError> {
    desk.guildhall().end_other_operator_sessions(desk.operator()?).await?;
    Ok(redirect("/dashboard/account?done=sessions-ended"))
}

async fn page(desk: &Desk, error: Option<String>) -> Result<Page, AppError> {
    let operator = desk.operator()?;
    let sessions = desk.guildhall().operator_sessions(operator).await?.into_iter().map(|session| Row {
        browser: session.user_agent.unwrap_or_else(|| "Unknown browser".into()),
        address: session.address.unwrap_or_default(),
        begun: desk.when(session.created_at),
        seen: desk.when(session.seen_at),
        current: session.id == *operator.session(),
        id: session.id.to_string(),
    });
    Ok(Page {
        shell: desk.shell("Your account", "account"),
        email: operator.operator().email.clone(),
        sessions: sessions.collect(),
        chars_min: OPERATOR_PASSWORD_CHARS_MIN,
        error,
    })
}
