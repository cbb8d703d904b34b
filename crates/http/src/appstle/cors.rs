//! Leave for pages of other origins (wire contract 0). Callers are told apart by keys that a page's own script sends,
//! never by cookies, so any origin may ask.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

const METHODS: &str = "GET,POST,PUT,DELETE,OPTIONS";
const HEADERS: &str = "authorization,content-type,x-api-key,x-app-key,idempotency-key,x-request-id";
/// The vendor's six, and those of ours that a page can use.
const EXPOSED: &str = "Authorization,Link,X-Total-Count,X-subscriptionApp-alert,X-subscriptionApp-error,\
    X-subscriptionApp-params,Location,Retry-After,RateLimit-Limit,RateLimit-Remaining,RateLimit-Reset,\
    RateLimit-Policy,X-Request-Id,Idempotency-Replayed";
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE_S: &str = "1800";

/// Answers preflights, and lets the page read every other answer, errors included.
pub(crate) async fn share(request: Request, next: Next) -> Response {
    let is_cross = request.headers().contains_key(header::ORIGIN);
    let is_preflight = is_cross
        && request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight { preflight() } else { next.run(request).await };
    if is_cross {
        let headers = response.headers_mut();
        set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    set(headers, header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
