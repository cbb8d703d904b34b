//! `/v2/data-tables` in Memberstack's dialect: tables and their fields, read only.

use super::problem;
use crate::Http;
use crate::problem::json;
use crate::segment::Segment;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use guildhall_app::data_tables::view;
use guildhall_app::{AppError, Caller};
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
