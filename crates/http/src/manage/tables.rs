//! `/manage/v1/tables`: data tables and their fields.

use super::{answer, created, place};
use crate::fields::{Fields, wrong};
use crate::memberstack::data_tables::view;
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use guildhall_app::data_tables::{FieldChange, FieldDraft, TableChange, TableDraft};
use guildhall_app::{AppError, Caller};
use guildhall_domain::data_table::{AccessRule, AccessRules, DataTable, FieldKind};
use guildhall_domain::scope::Action;
use serde_json::{Map, Value, json};

/// All data tables of the app.
pub(crate) async fn list(Extension(caller): Extension<Caller>) -> Response {
    let listed = caller.allow(Action::ManageRead).map(|access| {
        let tables = &access.definitions().tables;
        let shown: Vec<_> = tables.iter().map(|table| shown(table, tables)).collect();
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
        Ok(json!({ "data": shown(table, &access.definitions().tables) }))
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
        let draft = table_draft(body::json_object(request, http.settings().body_bytes_max).await?)?;
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
            create: rule(&mut fields, "createRule")?,
            read: rule(&mut fields, "readRule")?,
            update: rule(&mut fields, "updateRule")?,
            delete: rule(&mut fields, "deleteRule")?,
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
        let draft = field_draft(body::json_object(request, http.settings().body_bytes_max).await?)?;
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
            kind: fields.text("type")?.map(|text| kind(&text)).transpose()?,
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
    Ok(json!({ "data": shown(table, &definitions.tables) }))
}

/// The vendor's view of a table, and what it leaves out.
fn shown(table: &DataTable, tables: &[DataTable]) -> Value {
    let mut view = view(table, tables);
    for (field, shown) in table.fields.iter().zip(view["fields"].as_array_mut().into_iter().flatten()) {
        shown["unique"] = field.unique.into();
        shown["indexed"] = field.kind.is_indexed().into();
    }
    view
}

fn confirmation(uri: &Uri) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "confirm").map(|(_, value)| value.into_owned())
}

/// `{key, name, createRule?, readRule?, updateRule?, deleteRule?, fields?}`; rules are closed unless
/// they say otherwise.
fn table_draft(object: Map<String, Value>) -> Result<TableDraft, AppError> {
    let mut fields = Fields::new(object);
    let closed = AccessRules::default();
    let drafts = fields.array("fields")?.unwrap_or_default().into_iter().map(|item| match item {
        Value::Object(object) => field_draft(object),
        _ => Err(wrong("fields", "an array of objects")),
    });
    Ok(TableDraft {
        fields: drafts.collect::<Result<_, _>>()?,
        key: fields.required_text("key")?,
        name: fields.required_text("name")?,
        rules: AccessRules {
            create: rule(&mut fields, "createRule")?.unwrap_or(closed.create),
            read: rule(&mut fields, "readRule")?.unwrap_or(closed.read),
            update: rule(&mut fields, "updateRule")?.unwrap_or(closed.update),
            delete: rule(&mut fields, "deleteRule")?.unwrap_or(closed.delete),
        },
    })
}

/// `{key, name?, type, required?, unique?, defaultValue?, tableOrder?, referencedTable?}`
fn field_draft(object: Map<String, Value>) -> Result<FieldDraft, AppError> {
    let mut fields = Fields::new(object);
    let key = fields.required_text("key")?;
    Ok(FieldDraft {
        name: fields.text("name")?.unwrap_or_else(|| key.clone()),
        key,
        kind: kind(&fields.required_text("type")?)?,
        required: fields.bool("required")?.unwrap_or(false),
        unique: fields.bool("unique")?.unwrap_or(false),
        default: fields.take("defaultValue"),
        position: fields.int("tableOrder")?,
        referenced_table: fields.text("referencedTable")?,
    })
}

fn rule(fields: &mut Fields, name: &str) -> Result<Option<AccessRule>, AppError> {
    let given = fields.text(name)?;
    given.map(|text| text.parse().map_err(|_| wrong(name, "an access rule"))).transpose()
}

fn kind(text: &str) -> Result<FieldKind, AppError> {
    text.parse().map_err(|reason: String| AppError::because(guildhall_domain::Code::BodyInvalid, reason))
}
