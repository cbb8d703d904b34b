//! `/manage/v1/tables`: data tables and their fields.

use super::{answer, created, place};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use guildhall_app::data_tables::{
    FieldChange, FieldDraft, TableChange, TableDraft, access_rule, field_kind, full_view,
};
use guildhall_app::fields::Fields;
use guildhall_app::{AppError, Caller};
use guildhall_domain::data_table::DataTable;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// All data tables of the app.
pub(crate) async fn list(Extension(caller): Extension<Caller>) -> Response {
    let listed = caller.allow(Action::ManageRead).map(|access| {
        let tables = &access.definitions().tables;
        let shown: Vec<_> = tables.iter().map(|table| full_view(table, tables)).collect();
        json!({ "data": shown })
    });
    answer(listed)
}

/// One table, by key or id.
pub(crate) async fn get(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(name): Segment<String>,
) -> Response {
    let found = caller.allow(Action::ManageRead).and_then(|access| {
        let table = http.guildhall().table(&access, &name)?;
        Ok(json!({ "data": full_view(table, &access.definitions().tables) }))
    });
    answer(found)
}

/// Creates a table, with fields if there are any.
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let made = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let draft = TableDraft::from_json(body::json_object(request, http.settings().body_bytes_max).await?)?;
        let table = http.guildhall().create_table(&app, draft, actor).await?;
        with_tables(&http, &caller, &table).await
    };
    created(made.await)
}

/// Changes key, name or rules.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(name): Segment<String>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let change = TableChange {
            key: fields.text("key")?,
            name: fields.text("name")?,
            create: access_rule(&mut fields, "createRule")?,
            read: access_rule(&mut fields, "readRule")?,
            update: access_rule(&mut fields, "updateRule")?,
            delete: access_rule(&mut fields, "deleteRule")?,
        };
        let table = http.guildhall().update_table(&app, &name, change, actor).await?;
        with_tables(&http, &caller, &table).await
    };
    answer(updated.await)
}

/// Deletes a table with all its records; `?confirm=` must be its key.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(name): Segment<String>,
    uri: Uri,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let gone = http.guildhall().delete_table(&app, &name, confirmation(&uri), actor).await?;
        let records = json!({ "live": gone.live_records, "sandbox": gone.sandbox_records });
        let table = gone.table;
        let fields = table.fields.len();
        Ok(json!({ "data": { "id": table.id, "key": table.key, "fields": fields, "records": records } }))
    };
    answer(deleted.await)
}

/// Adds a field.
pub(crate) async fn create_field(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(name): Segment<String>,
    request: Request,
) -> Response {
    let made = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let draft = FieldDraft::from_json(body::json_object(request, http.settings().body_bytes_max).await?)?;
        let table = http.guildhall().create_field(&app, &name, draft, actor).await?;
        with_tables(&http, &caller, &table).await
    };
    created(made.await)
}

/// Changes a field; what is not named stays.
pub(crate) async fn update_field(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment((name, field)): Segment<(String, String)>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let default =
            if fields.is_null("defaultValue") { Some(None) } else { fields.take("defaultValue").map(Some) };
        let change = FieldChange {
            key: fields.text("key")?,
            name: fields.text("name")?,
            kind: fields.text("type")?.map(|text| field_kind(&text)).transpose()?,
            required: fields.bool("required")?,
            unique: fields.bool("unique")?,
            default,
            position: fields.clearable_int("tableOrder")?,
        };
        let table = http.guildhall().update_field(&app, &name, &field, change, actor).await?;
        with_tables(&http, &caller, &table).await
    };
    answer(updated.await)
}

/// Removes a field with its values; `?confirm=` must be its key if there are records.
pub(crate) async fn delete_field(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment((name, field)): Segment<(String, String)>,
    uri: Uri,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let table = http.guildhall().delete_field(&app, &name, &field, confirmation(&uri), actor).await?;
        with_tables(&http, &caller, &table).await
    };
    answer(deleted.await)
}

/// A table that has just changed, which the caller's view of the app does not know yet.
async fn with_tables(http: &Http, caller: &Caller, table: &DataTable) -> Result<Value, AppError> {
    let access = caller.allow(Action::ManageWrite)?;
    let definitions = http.guildhall().definitions(&access.definitions().app.id).await?;
    Ok(json!({ "data": full_view(table, &definitions.tables) }))
}

fn confirmation(uri: &Uri) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "confirm").map(|(_, value)| value.into_owned())
}
