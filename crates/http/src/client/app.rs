//! `/app…`, and the calls that pages make when they are opened.

use super::{answer, fields, view};
use crate::Http;
use crate::segment::Segment;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use guildhall_app::{AppError, Visitor};
use guildhall_domain::Code;
use guildhall_domain::ids::{PlanId, cuid};
use serde_json::{Value, json};

/// The longest session id that the SDK keeps, in characters.
const SESSION_ID_CHARS_MAX: usize = 26;

/// `GET /app`
pub(crate) async fn get(Extension(visitor): Extension<Visitor>) -> Response {
    answer(Ok(view::app(visitor.definitions(), visitor.mode())))
}

/// `GET /app/plans/{id}`
pub(crate) async fn plan(Extension(visitor): Extension<Visitor>, Segment(id): Segment<String>) -> Response {
    let found = visitor.definitions().plan(&PlanId::from_text(id));
    answer(found.map(view::plan).ok_or_else(|| Code::PlanNotFound.into()))
}

/// `POST /app-member`: the app, the member if there is one, and the id of the browser's session.
pub(crate) async fn with_member(
    State(http): State<Http>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let found = async {
        let session = browser_session(&http, &headers, request).await?;
        let account = http.guildhall().account_of(&visitor).await?;
        let definitions = visitor.definitions();
        let member = account.map(|account| view::member_value(&account, definitions));
        let app = view::app(definitions, visitor.mode());
        Ok(json!({ "app": app, "member": member, "sessionData": session }))
    };
    answer(found.await)
}

/// `POST /page-view`
pub(crate) async fn page_view(State(http): State<Http>, headers: HeaderMap, request: Request) -> Response {
    let session = browser_session(&http, &headers, request).await;
    answer(session.map(|session| json!({ "sessionData": session })))
}

/// `POST /event`: taken, and not kept.
pub(crate) async fn event() -> Response {
    answer(Ok(json!({ "success": true })))
}

/// The browser's own session id if it has one, else a fresh one. It is for the site's statistics and
/// opens nothing.
async fn browser_session(http: &Http, headers: &HeaderMap, request: Request) -> Result<Value, AppError> {
    let mut fields = fields(http, request).await?;
    let data = fields.take("data").unwrap_or_default();
    let in_body = data["sessionData"]["sessionId"].as_str().filter(|id| is_session_id(id));
    let in_header =
        headers.get("x-session-id").and_then(|id| id.to_str().ok()).filter(|id| is_session_id(id));
    let id = match in_body.or(in_header) {
        Some(id) => id.to_owned(),
        None => cuid(http.guildhall().chance().entropy()),
    };
    Ok(json!({ "sessionId": id }))
}

/// `undefined` is what older pages stored when they were told no id.
fn is_session_id(text: &str) -> bool {
    let fits = (1..=SESSION_ID_CHARS_MAX).contains(&text.len());
    fits && text != "undefined" && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
