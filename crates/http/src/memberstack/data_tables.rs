//! `/v2/data-tables` in Memberstack's dialect: tables and their fields, read only.

use super::problem;
use crate::Http;
use crate::problem::json;
use crate::segment::Segment;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use guildhall_app::{AppError, Caller};
use guildhall_domain::data_table::{DataTable, Field, numbered};
use guildhall_domain::record::FieldValue;
use guildhall_domain::scope::Action;
use serde_json::{Value, json as value};

/// `GET /v2/data-tables`
pub(crate) async fn list(Extension(caller): Extension<Caller>) -> Response {
    let listed = caller.allow(Action::RecordRead).map(|access| {
        let tables = &access.definitions().tables;
        let shown: Vec<_> = tables.iter().map(|table| view(table, tables)).collect();
        value!({ "data": { "tables": shown } })
    });
    answer(listed)
}

/// `GET /v2/data-tables/{table}`, by key or id.
pub(crate) async fn get(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(name): Segment<String>,
) -> Response {
    let found = caller.allow(Action::RecordRead).and_then(|access| {
        let table = http.guildhall().table(&access, &name)?;
        Ok(value!({ "data": view(table, &access.definitions().tables) }))
    });
    answer(found)
}

fn answer(result: Result<Value, AppError>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, body.to_string().into_bytes()),
        Err(error) => problem(error),
    }
}

/// A table as both APIs of the vendor show it.
pub(crate) fn view(table: &DataTable, tables: &[DataTable]) -> Value {
    let fields: Vec<_> = table.fields.iter().map(|field| field_view(field, tables)).collect();
    value!({
        "id": table.id, "key": table.key, "name": table.name,
        "createRule": table.rules.create.as_str(), "readRule": table.rules.read.as_str(),
        "updateRule": table.rules.update.as_str(), "deleteRule": table.rules.delete.as_str(),
        "createdAt": table.created_at, "updatedAt": table.updated_at, "fields": fields,
    })
}

fn field_view(field: &Field, tables: &[DataTable]) -> Value {
    let target = field.referenced_table.and_then(|number| numbered(tables, number));
    let mut shown = value!({
        "id": field.id, "key": field.key, "name": field.name, "type": field.kind.as_str(),
        "required": field.required, "defaultValue": field.default.as_ref().map(default_view),
        "tableOrder": field.position, "referencedTableId": target.map(|table| &table.id),
    });
    if let Some(table) = target {
        shown["referencedTable"] = value!({ "id": table.id, "key": table.key, "name": table.name });
    }
    shown
}

pub(crate) fn default_view(value: &FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => text.as_str().into(),
        FieldValue::Number(number) => (*number).into(),
        FieldValue::Decimal(decimal) => decimal.to_string().into(),
        FieldValue::Boolean(truth) => (*truth).into(),
        FieldValue::Date(moment) => moment.to_iso().into(),
        FieldValue::Reference { id, .. } => id.as_str().into(),
    }
}
