//! Members: the list with its search, one member, and what is done with many at once.

mod bulk;
mod edit;
mod filters;
mod list;
mod one;
mod transfer;

pub(super) use bulk::bulk;
pub(super) use edit::{create, new, update};
pub(super) use filters::{delete_filter, save_filter};
pub(super) use list::list;
pub(super) use one::{add_plan, confirm_delete, delete, end_session, end_sessions, remove_plan, show};
pub(super) use transfer::{export, import_form, import_report, import_run, import_show, import_upload};

use super::desk::Desk;
use guildhall_app::members::Member;
use guildhall_app::{Access, AppError};
use guildhall_domain::Code;
use guildhall_domain::custom_field::CustomField;
use serde_json::Value;

/// The member that the path names.
async fn named(desk: &Desk, access: &Access<'_>) -> Result<Member, AppError> {
    let found = desk.guildhall().get_member(access, desk.param("member")).await?;
    // An address in the path finds nobody: the pages of a member have one address.
    let found = found.filter(|member| member.id.as_str() == desk.param("member"));
    found.ok_or_else(|| Code::MemberNotFound.into())
}

/// A value as a field of a form shows it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What to call somebody: the fields that every app starts with, where they are filled.
fn name_of(member: &Member, fields: &[CustomField]) -> String {
    let values = member.custom_fields.to_map().unwrap_or_default();
    let part = |key: &str| {
        let known = fields.iter().any(|field| field.key == key);
        Some(shown(values.get(key))).filter(|text| known && !text.trim().is_empty())
    };
    let parts: Vec<_> = [part("first-name"), part("last-name")].into_iter().flatten().collect();
    parts.join(" ")
}
