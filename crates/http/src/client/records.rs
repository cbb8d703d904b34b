//! `/v1/data-tables` and `/v1/data-records`: data tables as pages see them.

use super::{answer, fields, written};
use crate::Http;
use crate::segment::Segment;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::data_tables::view;
use guildhall_app::fields::Fields;
use guildhall_app::records::{Written, write_found, write_written};
use guildhall_app::{AppError, Visitor};
use guildhall_domain::Code;
use guildhall_domain::data_table::DataTable;
use serde_json::{Map, Value, json};

/// `GET /v1/data-tables`
pub(crate) async fn tables(State(http): State<Http>, Extension(visitor): Extension<Visitor>) -> Response {
    let listed = http.guildhall().visible_tables(&visitor).await;
    answer(listed.map(|tables| {
        let shown: Vec<_> = tables.iter().map(|(table, count)| counted(&visitor, table, *count)).collect();
        json!({ "tables": shown })
    }))
}

/// `GET /v1/data-tables/{table}`, by key or id.
pub(crate) async fn table(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    Segment(name): Segment<String>,
) -> Response {
    let found = http.guildhall().visible_table(&visitor, &name).await;
    answer(found.map(|(table, count)| counted(&visitor, table, count)))
}

/// `POST /v1/data-records/query`: `{table, query}`
pub(crate) async fn query(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let found = async {
        let mut fields = fields(&http, request).await?;
        let (table, query) = (table_name(&mut fields)?, fields.take("query"));
        let found = http.guildhall().query_visible_records(&visitor, &table, query.as_ref()).await?;
        let mut out = Vec::with_capacity(4096);
        write_found(&mut out, &found, &visitor.definitions().tables);
        Ok(out)
    };
    written(found.await)
}

/// `POST /v1/data-records`: `{table, data}`. Whose the record is, is not for the page to say.
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Response {
    let created = async {
        let mut fields = fields(&http, request).await?;
        let (table, data) = (table_name(&mut fields)?, data(&mut fields)?);
        let (record, table) = http.guildhall().create_own_record(&visitor, &table, &data).await?;
        Ok(shown(&record, table))
    };
    written(created.await)
}

/// `PUT /v1/data-records/{id}`: `{data}`, of which only the fields that are named change.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let updated = async {
        let data = data(&mut fields(&http, request).await?)?;
        if data.is_empty() {
            return Err(AppError::because(Code::BodyInvalid, "data cannot be empty"));
        }
        let (record, table) = http.guildhall().update_visible_record(&visitor, &id, &data).await?;
        Ok(shown(&record, table))
    };
    written(updated.await)
}

/// `DELETE /v1/data-records/{id}`: only the id comes back.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    Segment(id): Segment<String>,
) -> Response {
    let deleted = http.guildhall().delete_visible_record(&visitor, &id).await;
    answer(deleted.map(|()| json!({ "id": id })))
}

fn counted(visitor: &Visitor, table: &DataTable, count: i64) -> Value {
    let mut shown = view(table, &visitor.definitions().tables);
    shown["recordCount"] = count.into();
    shown
}

fn shown(record: &Written, table: &DataTable) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_written(&mut out, record, table);
    out
}

fn table_name(fields: &mut Fields) -> Result<String, AppError> {
    let missing = || AppError::because(Code::InputInvalid, "Table key is required");
    fields.text("table")?.filter(|name| !name.is_empty()).ok_or_else(missing)
}

fn data(fields: &mut Fields) -> Result<Map<String, Value>, AppError> {
    match fields.take("data") {
        Some(Value::Object(data)) => Ok(data),
        _ => Err(AppError::because(Code::BodyInvalid, "data must be an object")),
    }
}
