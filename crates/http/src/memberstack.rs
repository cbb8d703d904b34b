//! Memberstack's Admin REST dialect: the door, the shape of errors, the members, data tables and records.
//!
//! Shapes, codes and quirks follow what the vendor's SDK and the live service are seen to do;
//! they are collected in `docs/memberstack-dialect.md`.

pub(crate) mod data_tables;
pub(crate) mod members;
mod verify_token;

pub(crate) use verify_token::verify_token;
pub(crate) mod records;

use crate::address::client_address;
use crate::idempotency::once;
use crate::observe::{CalledBy, RequestId};
use crate::problem::{failed, json, status};
use crate::{Http, body};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use guildhall_app::{AppError, Caller, Presented, RateState};
use guildhall_domain::Code;
use guildhall_domain::key::KeyKind;
use serde_json::json as value;
use std::net::IpAddr;

static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
static RATE_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
static RATE_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
static RATE_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Lets in who has a secret key, and says on every answer how much of its limit is left.
pub(crate) async fn door(State(http): State<Http>, request: Request, next: Next) -> Response {
    let arrival = Arrival::of(&http, &request);
    let caller = match arrival.enter(&http).await {
        Ok(caller) => caller,
        Err(error) => return problem(error),
    };
    let mut request = request;
    if request.method() == Method::GET {
        // The SDK sends a JSON body with every GET.
        body::discard(std::mem::take(request.body_mut())).await;
    }
    let caller = match arrival.after_body(&http, caller, &mut request).await {
        Ok(caller) => caller,
        Err(error) => return problem(error),
    };
    request.extensions_mut().insert(caller.clone());
    let mut response = once(&http, caller.holder(), problem, request, next).await;
    if response.status().is_success() {
        caller.note_used(http.guildhall().now());
    }
    if let Some(rate) = caller.rate() {
        rate_headers(response.headers_mut(), rate);
    }
    response.extensions_mut().insert(CalledBy(caller));
    response
}

/// What the door looks at. Taken out of the request first: a request cannot be held by reference
/// while something else is awaited.
pub(crate) struct Arrival {
    key: Option<HeaderValue>,
    address: IpAddr,
    id: Option<RequestId>,
}

impl Arrival {
    pub(crate) fn of(http: &Http, request: &Request) -> Self {
        Self {
            key: single(request.headers(), "x-api-key"),
            address: client_address(http, request),
            id: request.extensions().get::<RequestId>().cloned(),
        }
    }

    /// Finds out who calls. An `Authorization` header opens nothing here.
    pub(crate) async fn enter(&self, http: &Http) -> Result<Caller, AppError> {
        let caller = http.guildhall().identify(self.presented(), KeyKind::Secret).await?;
        Ok(match &self.id {
            Some(id) => caller.with_request(id.as_str()),
            None => caller,
        })
    }

    /// Waits for the body of a request that has one, and then looks at the caller again: a body can
    /// take minutes, and a key that was revoked meanwhile must not act.
    pub(crate) async fn after_body(
        &self,
        http: &Http,
        caller: Caller,
        request: &mut Request,
    ) -> Result<Caller, AppError> {
        let body = std::mem::take(request.body_mut());
        if http_body::Body::is_end_stream(&body) {
            return Ok(caller);
        }
        let bytes = body::collect(body, http.settings().body_bytes_max).await?;
        *request.body_mut() = Body::from(bytes);
        http.guildhall().identify_again(caller, self.presented(), KeyKind::Secret).await
    }

    fn presented(&self) -> Presented<'_> {
        let key = self.key.as_ref().map(|key| key.to_str().unwrap_or_default());
        Presented { key, address: self.address }
    }
}

/// A header that was sent once. Two keys are no key: which of them was meant is not for us to guess.
fn single(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none()).cloned()
}

/// The `RateLimit-*` headers, as the live service sends them.
pub(crate) fn rate_headers(headers: &mut HeaderMap, rate: RateState) {
    headers.insert(RATE_LIMIT.clone(), rate.limit.into());
    headers.insert(RATE_REMAINING.clone(), rate.remaining.into());
    headers.insert(RATE_RESET.clone(), rate.reset_s().into());
    if let Ok(policy) = HeaderValue::from_str(&format!("{};w={}", rate.limit, rate.window_s)) {
        headers.insert(RATE_POLICY.clone(), policy);
    }
}

/// An error as `{code, message}`. Most of the vendor's errors bear the code `generic-message`.
pub(crate) fn problem(error: AppError) -> Response {
    let (code, number) = translate(error.code);
    let message: &str = match error.code {
        Code::KeyMissing | Code::KeyInvalid => "The provided secret key is invalid.",
        Code::TokenInvalid => "Invalid token",
        _ => &error.message,
    };
    let body = value!({ "code": code, "message": message }).to_string();
    failed(json(status(number), body.into_bytes()), error)
}

/// The vendor's code and status for each of ours.
fn translate(code: Code) -> (&'static str, u16) {
    const GENERIC: &str = "generic-message";
    match code {
        Code::KeyMissing => ("validation/invalid-secret-key", 400),
        Code::KeyInvalid => ("validation/invalid-secret-key", 401),
        Code::BodyNotJson => ("validation/invalid-json", 400),
        Code::EmailInvalid => ("invalid-email", 400),
        Code::EmailTaken => ("email-already-in-use", 400),
        Code::PasswordTooShort => ("invalid-password-too-short", 400),
        Code::PlanNotFound => ("plan-not-found", 400),
        Code::PlanNotFree => ("plan-not-free", 400),
        Code::PlanAlreadyHeld => ("already-have-plan", 400),
        Code::PlanNotHeld => ("no-plan-found", 400),
        Code::PlanFull => ("plan-member-limit-reached", 400),
        Code::SandboxFull => ("test-mode-member-limit-reached", 400),
        Code::TokenInvalid => ("INVALID_TOKEN", 400),
        Code::TableNotFound => ("data-table-not-found", 404),
        Code::RecordNotFound => ("data-record-not-found", 404),
        Code::RecordOwnerNotFound => ("member-not-found", 404),
        Code::FieldValueInvalid => ("invalid-field-value", 400),
        Code::FieldRequired => ("required-field-missing", 400),
        Code::FieldNotUnique => ("unique-constraint-violation", 400),
        Code::IdempotencyKeyInvalid => ("invalid-idempotency-key", 400),
        Code::IdempotencyKeyReused => ("idempotency-key-reused", 422),
        Code::IdempotencyInFlight => ("idempotency-in-flight", 409),
        Code::IdempotencyAnswerLost => ("idempotency-answer-lost", 409),
        // An unknown member is a bad request to the vendor; only an unknown address is a 404.
        Code::MemberNotFound => (GENERIC, 400),
        other => (GENERIC, other.status()),
    }
}
