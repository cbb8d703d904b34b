//! `/members` in Memberstack's dialect.

mod create;
mod list;
mod update;

pub(crate) use create::create;
pub(crate) use list::list;
pub(crate) use update::update;

use super::problem;
use crate::problem::{json, typed};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use guildhall_app::fields::Fields;
use guildhall_app::members::{Member, Shown, write_member};
use guildhall_app::{Access, AppError, Caller};
use guildhall_domain::scope::Action;

/// `GET /members/{id or email}`. A miss is a success whose data is null.
pub(crate) async fn get(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    uri: Uri,
) -> Response {
    let found = async {
        let access = caller.allow(Action::MemberRead)?;
        let shown = Shown { json: true, teams: includes_teams(&uri) };
        let member = http.guildhall().get_member(&access, &id).await?;
        Ok(member.map_or_else(|| br#"{"data":null}"#.to_vec(), |member| data(&member, &access, shown)))
    };
    answer(found.await)
}

/// `DELETE /members/{id}`. The body, which speaks of Stripe, may be absent.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::MemberWrite)?;
        body::json_value(request, http.settings().body_bytes_max).await?;
        http.guildhall().delete_member(&access, &id).await?;
        Ok(serde_json::json!({ "data": { "id": id } }).to_string().into_bytes())
    };
    answer(deleted.await)
}

/// `POST /members/{id}/add-plan`
pub(crate) async fn add_plan(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let added = async {
        let access = caller.allow(Action::MemberWrite)?;
        let plan = plan_id(&http, request).await?;
        http.guildhall().add_plan(&access, &id, &plan).await
    };
    plain_ok(added.await)
}

/// `POST /members/{id}/remove-plan`
pub(crate) async fn remove_plan(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(id): Segment<String>,
    request: Request,
) -> Response {
    let removed = async {
        let access = caller.allow(Action::MemberWrite)?;
        let plan = plan_id(&http, request).await?;
        http.guildhall().remove_plan(&access, &id, &plan).await
    };
    plain_ok(removed.await)
}

async fn plan_id(http: &Http, request: Request) -> Result<String, AppError> {
    let object = body::json_object(request, http.settings().body_bytes_max).await?;
    Fields::new(object).required_text("planId")
}

/// `{"data": member}`
fn data(member: &Member, access: &Access<'_>, shown: Shown) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"data\":");
    write_member(&mut out, member, access.definitions(), shown);
    out.push(b'}');
    out
}

fn answer(result: Result<Vec<u8>, AppError>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => problem(error),
    }
}

/// The two plan calls answer with the text `OK`, which the SDK hands through as it is.
fn plain_ok(result: Result<(), AppError>) -> Response {
    match result {
        Ok(()) => typed(StatusCode::OK, "text/plain; charset=utf-8", b"OK".to_vec()),
        Err(error) => problem(error),
    }
}

/// Whether the query has `include=teams`, alone or in a comma-separated list.
fn includes_teams(uri: &Uri) -> bool {
    let Some(query) = uri.query() else { return false };
    let mut included = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "include");
    included.any(|(_, value)| value.split(',').any(|part| part == "teams"))
}
