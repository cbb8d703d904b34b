//! `/v2/data-tables/{table}/records` in Memberstack's dialect.

use super::problem;
use crate::problem::json;
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use guildhall_app::records::{Written, write_found, write_written};
use guildhall_app::{Access, AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::{Map, Value};

/// `POST …/records`: `{data, memberId?}`
pub(crate) async fn create(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(table): Segment<String>,
    request: Request,
) -> Response {
    let created = async {
        let access = caller.allow(Action::RecordWrite)?;
        let mut body = body::json_object(request, http.settings().body_bytes_max).await?;
        http.guildhall().table(&access, &table)?;
        let data = data(&mut body)?;
        let owner = owner(&mut body)?;
        let written = http.guildhall().create_record(&access, &table, &data, owner).await?;
        written_body(&http, &access, &table, &written)
    };
    answer(created.await)
}

/// `POST …/records/query`: `{query: {findMany} | {findUnique}}`
pub(crate) async fn query(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(table): Segment<String>,
    request: Request,
) -> Response {
    let found = async {
        let access = caller.allow(Action::RecordRead)?;
        let body = body::json_object(request, http.settings().body_bytes_max).await?;
        let found = http.guildhall().query_records(&access, &table, body.get("query")).await?;
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(b"{\"data\":");
        write_found(&mut out, &found, &access.definitions().tables);
        out.push(b'}');
        Ok(out)
    };
    answer(found.await)
}

/// `PUT …/records/{id}`: `{data}`, of which only the fields that are named change.
pub(crate) async fn update(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment((table, id)): Segment<(String, String)>,
    request: Request,
) -> Response {
    let updated = async {
        let access = caller.allow(Action::RecordWrite)?;
        let mut body = body::json_object(request, http.settings().body_bytes_max).await?;
        http.guildhall().table(&access, &table)?;
        let data = data(&mut body)?;
        if data.is_empty() {
            return Err(AppError::because(Code::BodyInvalid, "data cannot be empty"));
        }
        let written = http.guildhall().update_record(&access, &table, &id, &data).await?;
        written_body(&http, &access, &table, &written)
    };
    answer(updated.await)
}

/// `DELETE …/records/{id}`: the record as it was.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment((table, id)): Segment<(String, String)>,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::RecordWrite)?;
        let record = http.guildhall().delete_record(&access, &table, &id).await?;
        written_body(&http, &access, &table, &Written { record, links: Vec::new(), owned: None })
    };
    answer(deleted.await)
}

/// An address with nothing where the table's key belongs, as the SDK makes it of an empty text.
pub(crate) async fn without_table() -> Response {
    problem(AppError::because(Code::InputInvalid, "Table key is required"))
}

/// An address with nothing where the record's id belongs.
pub(crate) async fn without_id() -> Response {
    problem(AppError::because(Code::InputInvalid, "Record ID is required"))
}

fn data(body: &mut Map<String, Value>) -> Result<Map<String, Value>, AppError> {
    match body.remove("data") {
        Some(Value::Object(data)) => Ok(data),
        _ => Err(AppError::because(Code::BodyInvalid, "data must be an object")),
    }
}

fn owner(body: &mut Map<String, Value>) -> Result<Option<String>, AppError> {
    match body.remove("memberId") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => Ok(Some(id)),
        Some(_) => Err(AppError::because(Code::BodyInvalid, "memberId must be the id of a member")),
    }
}

/// `{"data": record}`
fn written_body(
    http: &Http,
    access: &Access<'_>,
    table: &str,
    written: &Written,
) -> Result<Vec<u8>, AppError> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"data\":");
    write_written(&mut out, written, http.guildhall().table(access, table)?);
    out.push(b'}');
    Ok(out)
}

fn answer(result: Result<Vec<u8>, AppError>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => problem(error),
    }
}
