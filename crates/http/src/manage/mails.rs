//! The outbox and the wording of mails, under `/manage/v1/mails` and `/manage/v1/mail-templates`.

use super::{answer, gone, place};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::fields::Fields;
use guildhall_app::mail::{Mail, MailKind, Template};
use guildhall_app::{AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// The environment's mails that were not sent, oldest first. Their texts hold codes, so it takes more
/// than leave to read.
pub(crate) async fn list(State(http): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let listed = async {
        let access = caller.allow(Action::ManageWrite)?;
        let mails = http.guildhall().list_mails(&access).await?;
        Ok(json!({ "data": mails.iter().map(view).collect::<Vec<_>>() }))
    };
    answer(listed.await)
}

/// The wording of every kind of mail.
pub(crate) async fn templates(State(http): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let listed = async {
        let app = caller.allow(Action::ManageRead)?.definitions().app.id.clone();
        let templates = http.guildhall().list_mail_templates(&app).await?;
        let view = |(kind, template, own): &(MailKind, Template, bool)| template_view(*kind, template, *own);
        Ok(json!({ "data": templates.iter().map(view).collect::<Vec<_>>() }))
    };
    answer(listed.await)
}

/// Gives a kind of mail the app's own wording.
pub(crate) async fn set_template(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(kind): Segment<String>,
    request: Request,
) -> Response {
    let set = async {
        let access = caller.allow(Action::ManageWrite)?;
        let ((app, actor), kind) = (place(&caller, &access), named(&kind)?);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let template =
            Template { subject: fields.required_text("subject")?, body: fields.required_text("body")? };
        http.guildhall().set_mail_template(&app, kind, template.clone(), actor).await?;
        Ok(json!({ "data": template_view(kind, &template, true) }))
    };
    answer(set.await)
}

/// Gives a kind of mail our wording back.
pub(crate) async fn reset_template(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(kind): Segment<String>,
) -> Response {
    let reset = async {
        let access = caller.allow(Action::ManageWrite)?;
        let ((app, actor), kind) = (place(&caller, &access), named(&kind)?);
        http.guildhall().reset_mail_template(&app, kind, actor).await
    };
    gone(reset.await)
}

fn named(kind: &str) -> Result<MailKind, AppError> {
    MailKind::from_name(kind).ok_or_else(|| Code::MailKindUnknown.into())
}

fn view(mail: &Mail) -> Value {
    json!({
        "kind": mail.kind.as_str(), "to": mail.to, "subject": mail.subject, "text": mail.text,
        "createdAt": mail.created_at, "attempts": mail.attempts, "refusal": mail.refusal,
    })
}

fn template_view(kind: MailKind, template: &Template, own: bool) -> Value {
    json!({ "kind": kind.as_str(), "subject": template.subject, "body": template.body, "own": own })
}
