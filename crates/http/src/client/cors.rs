//! Leave for pages of other origins. Members are told apart by tokens in a header that only a site's
//! own script can set, never by cookies, so any origin may ask; and browsers that send credentials
//! along insist on their exact origin in the answer.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

const METHODS: &str = "GET,POST,PUT,PATCH,DELETE,OPTIONS";
/// What the SDK sends.
const HEADERS: &str =
    "authorization,content-type,x-api-key,x-app-id,x-user-agent,x-session-id,referring-path,idempotency-key";
/// What the SDK and others read.
const EXPOSED: &str = "ms-mid,ratelimit-limit,ratelimit-remaining,ratelimit-reset,ratelimit-policy,retry-after,x-request-id,idempotency-replayed";
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE_S: &str = "600";

/// Answers preflights, and lets the page read every other answer, errors included.
pub(crate) async fn share(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight { preflight() } else { next.run(request).await };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        if is_preflight {
            set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            set(headers, header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
        } else {
            set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
    response
}

fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
