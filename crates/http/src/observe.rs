//! Around every request: its id, its time, its line in the log, its place in the metrics; and a
//! panic in a handler becomes an answer instead of a broken connection.

use crate::Http;
use crate::access_log::Line;
use crate::problem::Failure;
use crate::routes::{Surface, UNMATCHED, known_route};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use guildhall_app::{AppError, Caller, Visitor};
use guildhall_domain::Code;
use guildhall_domain::ids::KeyId;
use std::panic::AssertUnwindSafe;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a caller, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The id of a request, for answers, logs and audit entries.
#[derive(Clone)]
pub(crate) struct RequestId(pub HeaderValue);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Who called, put onto the response by the door for the log line.
#[derive(Clone)]
pub(crate) struct CalledBy(pub Caller);

/// Who visited, put onto the response by the client API's door for the log line.
#[derive(Clone)]
pub(crate) struct VisitedBy(pub Visitor);

pub(crate) async fn observe(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    let clock = http.guildhall().clock();
    let start_us = clock.monotonic_us();
    let id = request_id(&http, &request);
    let method = method_name(request.method());
    let route =
        request.extensions().get::<MatchedPath>().map_or(UNMATCHED, |path| known_route(path.as_str()));
    let path = request.uri().path().to_owned();
    let surface = Surface::of_path(&path);
    request.extensions_mut().insert(id.clone());
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response =
        handled.unwrap_or_else(|_| surface.problem(AppError::internal("a handler panicked"), &path));

    let duration_us = (clock.monotonic_us() - start_us).unsigned_abs();
    let status = response.status().as_u16();
    http.metrics().observe(route, method, status, duration_us as f64 / 1e6);
    let failure = response.extensions().get::<Failure>();
    if let Some(failure) = failure {
        http.metrics().failed(failure.code);
        // That there is much to do, or that a table has just changed, is no error of ours.
        let expected = [Code::Busy, Code::TableChanged].map(Code::name).contains(&failure.code);
        if let Some(internal) = failure.internal.as_deref().filter(|_| status >= 500 && !expected) {
            tracing::error!(
                request_id = id.as_str(),
                code = failure.code,
                route,
                internal,
                "a request failed"
            );
        }
    }
    let caller = response.extensions().get::<CalledBy>().map(|called| &called.0);
    let visitor = response.extensions().get::<VisitedBy>().map(|visited| &visited.0);
    if response.status().is_success() {
        match (caller, visitor) {
            (Some(caller), _) => caller.note_call(method, route, clock.now()),
            (None, Some(visitor)) => visitor.note_call(method, route, clock.now()),
            (None, None) => {}
        }
    }
    let key = caller.map(Caller::key_id).or_else(|| visitor.and_then(Visitor::key_id));
    let environment = caller.and_then(Caller::environment_number);
    http.settings().access_log.write(&Line {
        at: clock.now(),
        request_id: id.as_str(),
        method,
        route,
        status,
        duration_us,
        key: key.map(KeyId::as_str),
        environment: environment.or_else(|| visitor.map(Visitor::environment_number)),
        code: failure.map(|failure| failure.code),
    });
    response.headers_mut().insert(REQUEST_ID.clone(), id.0);
    response
}

/// The answer to an address that does not exist, in the shape of the surface it lies under.
pub(crate) fn unknown_route(path: &str) -> Response {
    Surface::of_path(path).problem(AppError::new(Code::RouteUnknown), path)
}

/// The caller's own id if it is a sane one, else a fresh one.
fn request_id(http: &Http, request: &Request) -> RequestId {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:".contains(b);
        (1..=REQUEST_ID_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(plain)
    };
    if let Some(given) = request.headers().get(&REQUEST_ID).filter(sane) {
        return RequestId(given.clone());
    }
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(http.guildhall().chance().entropy()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    RequestId(HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-")))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
