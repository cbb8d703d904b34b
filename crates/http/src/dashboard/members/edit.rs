//! Making a member, and changing one.

use super::one::page;
use super::{named, shown};
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::form::Form;
use crate::dashboard::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::members::{Change, Draft, Member};
use guildhall_app::passwords::Password;
use guildhall_app::{Access, AppError};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::{Map, Value};

#[derive(Template)]
#[template(path = "dashboard/member_new.html")]
struct NewPage {
    shell: Shell,
    email: String,
    verified: bool,
    passwordless: bool,
    fields: Vec<(String, String, String)>,
    plans: Vec<(String, String, bool)>,
    error: Option<String>,
}

/// `GET …/members/new`
pub(in crate::dashboard) async fn new(desk: Desk) -> Result<Response, AppError> {
    let page = new_page(&desk, None)?;
    desk.page(&page)
}

fn new_page(desk: &Desk, error: Option<String>) -> Result<NewPage, AppError> {
    let (definitions, form) = (desk.place()?.definitions(), &desk.form);
    let fields = definitions.custom_fields.iter().map(|field| {
        (field.key.clone(), field.label.clone(), form.get(&format!("field.{}", field.key)).to_owned())
    });
    let plans = definitions
        .plans
        .iter()
        .filter(|plan| plan.is_free())
        .map(|plan| (plan.id.to_string(), plan.name.clone(), form.says("plan", plan.id.as_str())));
    Ok(NewPage {
        shell: desk.shell("New member", "members"),
        email: form.get("email").to_owned(),
        verified: form.ticked("verified"),
        passwordless: definitions.app.passwordless,
        fields: fields.collect(),
        plans: plans.collect(),
        error,
    })
}

/// `POST …/members`
pub(in crate::dashboard) async fn create(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let form = &desk.form;
    let created = async {
        let fields = form.under("field.").filter(|(_, value)| !value.is_empty());
        let password = Some(form.get("password")).filter(|password| !password.is_empty());
        let draft = Draft {
            email: form.text("email"),
            password: password.map(Password::new).transpose()?,
            plans: form.all("plan").map(str::to_owned).collect(),
            custom_fields: fields.map(|(key, value)| (key.to_owned(), clean(value))).collect(),
            verified: form.ticked("verified"),
            ..Draft::default()
        };
        desk.guildhall().create_member(&access, draft).await
    };
    match created.await {
        Ok(member) => Ok(desk.done(&format!("/members/{}", member.id), "created")),
        Err(error) if can_be_mended(&error) => {
            let page = new_page(&desk, Some(error.message.to_string()))?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST …/members/{member}`
pub(in crate::dashboard) async fn update(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let member = named(&desk, &access).await?;
    let updated = async {
        let change = changes(&desk.form, &member, &access)?;
        desk.guildhall().update_member(&access, member.id.as_str(), change).await
    };
    match updated.await {
        Ok(member) => Ok(desk.done(&format!("/members/{}", member.id), "saved")),
        Err(error) if can_be_mended(&error) => {
            let page = page(&desk, member, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// What the form says otherwise than the member: what was not touched is left alone, also if somebody
/// else changed it meanwhile.
fn changes(form: &Form, member: &Member, access: &Access<'_>) -> Result<Change, AppError> {
    let mut change = Change::default();
    if form.text("email") != member.email && form.text("email").is_some() {
        change.email = form.text("email");
    }
    if form.ticked("verified") != member.verified {
        change.verified = Some(form.ticked("verified"));
    }
    if form.text("loginRedirect") != member.login_redirect {
        change.login_redirect = Some(form.text("loginRedirect"));
    }
    if form.text("profileImage") != member.profile_image {
        change.profile_image = Some(form.text("profileImage"));
    }
    let stored = member.custom_fields.to_map().unwrap_or_default();
    let mut fields = Map::new();
    for field in &access.definitions().custom_fields {
        let name = format!("field.{}", field.key);
        let old = stored.get(&field.key);
        if form.ticked(&name) && lines(form.get(&name)) != lines(&shown(old)) {
            // What was no text stays what it is, if it still can be.
            let given = form.get(&name);
            let kept = old.filter(|old| !old.is_string() && !old.is_null());
            let value = kept.and_then(|_| serde_json::from_str(given).ok()).unwrap_or_else(|| clean(given));
            fields.insert(field.key.clone(), value);
        }
    }
    if !fields.is_empty() {
        change.custom_fields = Some(fields);
    }
    if let Some(mut given) = object(form, "metaData", "Meta data")? {
        let stored = member.meta_data.to_map().unwrap_or_default();
        if given != stored {
            // Meta data are laid over each other: what is to go is named.
            for key in stored.keys().filter(|key| !given.contains_key(*key)).cloned().collect::<Vec<_>>() {
                given.insert(key, Value::Null);
            }
            change.meta_data = Some(given);
        }
    }
    if let Some(given) = object(form, "json", "Member JSON")?
        && given != member.json.to_map().unwrap_or_default()
    {
        change.json = Some(given);
    }
    Ok(change)
}

/// Browsers end lines with two characters.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A text that either database can hold.
fn clean(text: &str) -> Value {
    Value::String(lines(text).replace('\0', ""))
}

/// The JSON object in a field; nothing if the form does not have the field.
fn object(form: &Form, name: &str, label: &str) -> Result<Option<Map<String, Value>>, AppError> {
    if !form.ticked(name) {
        return Ok(None);
    }
    let text = form.get(name).trim();
    if text.is_empty() {
        return Ok(Some(Map::new()));
    }
    match guildhall_domain::json::parse(text.as_bytes()) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(AppError::because(Code::InputInvalid, format!("{label} must be a JSON object: {{…}}."))),
        Err(error) => Err(AppError::because(Code::InputInvalid, format!("{label}: {error}"))),
    }
}
