//! `Idempotency-Key`, for every dialect: a door calls [`once`] instead of the handler.
//!
//! It belongs after everything that lets a request in: whose the key is follows from who calls, and what is
//! refused at the door leaves no trace. What may be repeated anyway (`GET`, `HEAD`, `OPTIONS`) takes no key.

use crate::problem::status;
use crate::{Http, body};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use guildhall_app::idempotency::{ANSWER_BYTES_MAX, Answer, Asked, Holder, IdempotencyKey, Once, Turn};
use guildhall_app::{AppError, Guildhall};
use guildhall_domain::Code;
use http_body::Body as _;
use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};

static KEY: HeaderName = HeaderName::from_static("idempotency-key");
static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Carries a request out, once however often it comes if it has a key, and answers it. `problem` is the
/// dialect's shape of an error. Without a holder there is nobody to keep a key for.
pub(crate) async fn once(
    http: &Http,
    holder: Option<Holder>,
    problem: fn(AppError) -> Response,
    mut request: Request,
    next: Next,
) -> Response {
    let repeatable = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let Some(holder) = holder.filter(|_| !repeatable && request.headers().contains_key(&KEY)) else {
        return next.run(request).await;
    };
    // On a task of its own: whoever sends a key may well hang up and ask again, and the answer should be
    // there then.
    let http = http.clone();
    let task = tokio::spawn(async move {
        match begin(&http, holder, &mut request).await {
            Ok(Once::CarryOut(turn)) => carry_out(&http, turn, request, next).await,
            Ok(Once::Replay(answer)) => Ok(replay(answer)),
            Err(error) => Ok(problem(error)),
        }
    });
    match task.await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => problem(AppError::internal("a request with an idempotency key was not carried to its end")),
    }
}

async fn begin(http: &Http, holder: Holder, request: &mut Request) -> Result<Once, AppError> {
    let given = single(request.headers()).ok_or(Code::IdempotencyKeyInvalid)?;
    let key = IdempotencyKey::presented(given.as_bytes())?;
    // The door has read it already, so nothing is waited for here.
    let body = body::collect(std::mem::take(request.body_mut()), http.settings().body_bytes_max).await?;
    *request.body_mut() = Body::from(body.clone());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let asked = Asked { method: method.as_str(), path, query, body: &body };
    http.guildhall().begin_once(holder, key, asked).await
}

/// A header that was sent once. Of two keys, neither is the one that was meant.
fn single(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(&KEY).iter();
    values.next().filter(|_| values.next().is_none()).cloned()
}

/// Carries a request out and keeps its answer. A panic goes on once that is done.
async fn carry_out(
    http: &Http,
    turn: Turn,
    request: Request,
    next: Next,
) -> Result<Response, Box<dyn Any + Send>> {
    let handled = AssertUnwindSafe(turn.carry_out(next.run(request))).catch_unwind().await;
    let (handled, answer) = match handled {
        Ok(response) => {
            let (response, answer) = read(response).await;
            (Ok(response), answer)
        }
        Err(panic) => (Err(panic), None),
    };
    keep(http.guildhall(), turn, answer).await;
    handled
}

async fn keep(guildhall: &Guildhall, turn: Turn, answer: Option<Answer>) {
    // What was done is done, and its caller is told so; only asking again will say that the answer is lost.
    if let Err(error) = guildhall.end_once(turn, answer).await {
        tracing::warn!(?error, "the answer to a request with an idempotency key was not kept");
    }
}

/// What there is to keep of an answer: nothing if it is too large, or not all there yet.
async fn read(response: Response) -> (Response, Option<Answer>) {
    let length = response.body().size_hint().exact();
    if length.is_none_or(|length| length > ANSWER_BYTES_MAX as u64) {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = body::collect(body, ANSWER_BYTES_MAX).await else {
        return (Response::from_parts(parts, Body::empty()), None);
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let answer = Answer {
        status: parts.status.as_u16(),
        content_type: content_type.map(str::to_owned),
        body: body.to_vec(),
    };
    (Response::from_parts(parts, Body::from(body)), Some(answer))
}

/// The answer that was given before.
fn replay(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status(answer.status);
    let headers = response.headers_mut();
    if let Some(value) = answer.content_type.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REPLAYED.clone(), HeaderValue::from_static("true"));
    response
}
