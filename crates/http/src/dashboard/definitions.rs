//! Settings → custom fields and permissions: short lists, each with a form to add to it.

use super::desk::{Desk, can_be_mended};
use super::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::custom_fields::FieldDraft;
use guildhall_domain::Code;
use guildhall_domain::custom_field::{CUSTOM_FIELDS_MAX, CustomField, Visibility};
use guildhall_domain::ids::PermissionId;

#[derive(Template)]
#[template(path = "dashboard/fields.html")]
struct FieldsPage {
    shell: Shell,
    fields: Vec<CustomField>,
    fields_max: i64,
    /// The field that is being changed.
    edited: Option<CustomField>,
    key: String,
    label: String,
    error: Option<String>,
}

fn fields_page(desk: &Desk, error: Option<String>) -> Result<FieldsPage, AppError> {
    let fields = &desk.place()?.definitions().custom_fields;
    let wanted = desk.query.get("edit");
    Ok(FieldsPage {
        shell: desk.shell("Custom fields", "fields"),
        fields: fields.clone(),
        fields_max: CUSTOM_FIELDS_MAX,
        edited: fields.iter().find(|field| field.key == wanted).cloned(),
        key: desk.form.get("key").to_owned(),
        label: desk.form.get("label").to_owned(),
        error,
    })
}

/// `GET …/settings/fields?edit=`
pub(super) async fn fields(desk: Desk) -> Result<Response, AppError> {
    let page = fields_page(&desk, None)?;
    desk.page(&page)
}

fn fields_answer<T>(desk: &Desk, result: Result<T, AppError>, notice: &str) -> Result<Response, AppError> {
    match result {
        Ok(_) => Ok(desk.done("/settings/fields", notice)),
        Err(error) if can_be_mended(&error) => {
            let page = fields_page(desk, Some(error.message.to_string()))?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

fn field_draft(desk: &Desk, key: &str) -> Result<FieldDraft, AppError> {
    let form = &desk.form;
    let unknown = || AppError::because(Code::InputInvalid, "Choose who sees the field.");
    Ok(FieldDraft {
        key: key.to_owned(),
        label: form.get("label").to_owned(),
        hidden: form.ticked("hidden"),
        visibility: Visibility::from_stored(form.get("visibility")).ok_or_else(unknown)?,
        restrict_to_admin: form.ticked("admin-only"),
        position: form.int("position", "The order")?,
    })
}

/// `POST …/settings/fields`
pub(super) async fn create_field(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let created = async {
        let draft = field_draft(&desk, desk.form.get("key").trim())?;
        desk.guildhall().create_custom_field(&app, draft, actor).await
    };
    let created = created.await;
    fields_answer(&desk, created, "created")
}

/// `POST …/settings/fields/{field}`
pub(super) async fn update_field(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let updated = async {
        let draft = field_draft(&desk, desk.param("field"))?;
        desk.guildhall().update_custom_field(&app, draft, actor).await
    };
    let updated = updated.await;
    fields_answer(&desk, updated, "saved")
}

/// `POST …/settings/fields/{field}/delete`
pub(super) async fn delete_field(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let deleted = desk.guildhall().delete_custom_field(&app, desk.param("field"), actor).await;
    fields_answer(&desk, deleted, "deleted")
}

#[derive(Template)]
#[template(path = "dashboard/permissions.html")]
struct PermissionsPage {
    shell: Shell,
    /// Id, name, description, plans that grant it.
    permissions: Vec<(String, String, String, String)>,
    name: String,
    error: Option<String>,
}

fn permissions_page(desk: &Desk, error: Option<String>) -> Result<PermissionsPage, AppError> {
    let definitions = desk.place()?.definitions();
    let rows = definitions.permissions.iter().map(|permission| {
        let plans = definitions.plans.iter().filter(|plan| plan.permissions.contains(&permission.id));
        let plans: Vec<_> = plans.map(|plan| plan.name.as_str()).collect();
        let about = permission.description.clone().unwrap_or_default();
        (permission.id.to_string(), permission.name.clone(), about, plans.join(", "))
    });
    Ok(PermissionsPage {
        permissions: rows.collect(),
        shell: desk.shell("Permissions", "permissions"),
        name: desk.form.get("name").to_owned(),
        error,
    })
}

/// `GET …/settings/permissions`
pub(super) async fn permissions(desk: Desk) -> Result<Response, AppError> {
    let page = permissions_page(&desk, None)?;
    desk.page(&page)
}

fn permissions_answer<T>(
    desk: &Desk,
    result: Result<T, AppError>,
    notice: &str,
) -> Result<Response, AppError> {
    match result {
        Ok(_) => Ok(desk.done("/settings/permissions", notice)),
        Err(error) if can_be_mended(&error) => {
            let page = permissions_page(desk, Some(error.message.to_string()))?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST …/settings/permissions`
pub(super) async fn create_permission(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let about = desk.form.text("description").map(|text| text.replace('\0', ""));
    let made = desk.guildhall().create_permission(&app, desk.form.get("name"), about, actor).await;
    permissions_answer(&desk, made, "created")
}

/// `POST …/settings/permissions/{permission}/delete`
pub(super) async fn delete_permission(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let id = PermissionId::from_text(desk.param("permission"));
    let deleted = desk.guildhall().delete_permission(&app, &id, actor).await;
    permissions_answer(&desk, deleted, "deleted")
}
