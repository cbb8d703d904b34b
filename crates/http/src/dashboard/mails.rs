//! The outbox, and the wording of mails.

use super::desk::{Desk, can_be_mended};
use super::pager::{Pager, turn};
use super::shell::Shell;
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::mail::{MailKind, Template as Wording};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;

/// Mails on a page.
const PAGE: i64 = 25;

#[derive(Template)]
#[template(path = "dashboard/mails.html")]
struct MailsPage {
    shell: Shell,
    sends: bool,
    mails: Vec<MailRow>,
    pager: Pager,
}

struct MailRow {
    number: i64,
    kind: &'static str,
    to: String,
    subject: String,
    text: String,
    written: When,
    sent: Option<When>,
    attempts: i64,
    refusal: Option<String>,
}

/// `GET …/mails?before=&after=`: mails hold codes and links, so it takes a role that may change things.
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::ManageWrite)?;
    let leaf = desk.guildhall().turn_mails(&access, turn(&desk), PAGE).await?;
    let rows = leaf.items.into_iter().map(|mail| MailRow {
        number: mail.number,
        kind: mail.kind.as_str(),
        written: desk.when(mail.created_at),
        sent: mail.sent_at.map(|at| desk.when(at)),
        to: mail.to,
        subject: mail.subject,
        text: mail.text,
        attempts: mail.attempts,
        refusal: mail.refusal,
    });
    let page = MailsPage {
        shell: desk.shell("Mail outbox", "mails"),
        sends: desk.guildhall().sends_mail(),
        mails: rows.collect(),
        pager: Pager::numbered(&desk, "/mails", leaf.newer, leaf.older),
    };
    desk.page(&page)
}

#[derive(Template)]
#[template(path = "dashboard/mail_templates.html")]
struct TemplatesPage {
    shell: Shell,
    templates: Vec<TemplateRow>,
}

struct TemplateRow {
    key: &'static str,
    about: &'static str,
    subject: String,
    own: bool,
}

fn about(kind: MailKind) -> &'static str {
    match kind {
        MailKind::LogInCode => "A code to log in with",
        MailKind::SignUpCode => "A code to sign up with",
        MailKind::ResetCode => "A code to set a new password",
        MailKind::VerifyEmail => "A link that confirms an address",
        MailKind::EmailChanged => "To the old address, once it is changed",
        MailKind::OperatorInvitation => "To somebody who is to run the app",
        MailKind::PortalLink => "A link to the customer portal",
    }
}

/// `GET …/settings/mail-templates`
pub(super) async fn templates(desk: Desk) -> Result<Response, AppError> {
    let app = &desk.place()?.definitions().app.id;
    let listed = desk.guildhall().list_mail_templates(app).await?.into_iter();
    let templates = listed.map(|(kind, template, own)| TemplateRow {
        key: kind.as_str(),
        about: about(kind),
        subject: template.subject,
        own,
    });
    let shell = desk.shell("Mail templates", "templates");
    desk.page(&TemplatesPage { shell, templates: templates.collect() })
}

#[derive(Template)]
#[template(path = "dashboard/mail_template.html")]
struct TemplatePage {
    shell: Shell,
    key: &'static str,
    about: &'static str,
    subject: String,
    body: String,
    own: bool,
    error: Option<String>,
}

fn kind_of(desk: &Desk) -> Result<MailKind, AppError> {
    MailKind::from_name(desk.param("template")).ok_or_else(|| Code::MailKindUnknown.into())
}

async fn template_page(desk: &Desk, error: Option<String>) -> Result<TemplatePage, AppError> {
    let kind = kind_of(desk)?;
    let app = &desk.place()?.definitions().app.id;
    let listed = desk.guildhall().list_mail_templates(app).await?;
    let found = listed.into_iter().find(|(known, _, _)| *known == kind).ok_or(Code::MailKindUnknown)?;
    let (_, stored, own) = found;
    let (subject, body) = match error {
        Some(_) => (desk.form.get("subject").to_owned(), desk.form.get("body").to_owned()),
        None => (stored.subject, stored.body),
    };
    let shell = desk.shell(about(kind), "templates");
    Ok(TemplatePage { shell, key: kind.as_str(), about: about(kind), subject, body, own, error })
}

/// `GET …/settings/mail-templates/{template}`
pub(super) async fn template(desk: Desk) -> Result<Response, AppError> {
    let page = template_page(&desk, None).await?;
    desk.page(&page)
}

/// `POST …/settings/mail-templates/{template}`
pub(super) async fn set_template(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let kind = kind_of(&desk)?;
    let set = async {
        let clean = |name: &str| desk.form.get(name).replace("\r\n", "\n").replace('\0', "");
        let wording = Wording { subject: clean("subject").trim().to_owned(), body: clean("body") };
        desk.guildhall().set_mail_template(&app, kind, wording, actor).await
    };
    match set.await {
        Ok(()) => Ok(desk.done("/settings/mail-templates", "saved")),
        Err(error) if can_be_mended(&error) => {
            let page = template_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST …/settings/mail-templates/{template}/reset`
pub(super) async fn reset_template(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    desk.guildhall().reset_mail_template(&app, kind_of(&desk)?, actor).await?;
    Ok(desk.done("/settings/mail-templates", "template-reset"))
}
