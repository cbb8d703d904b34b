//! Our own management API: plans, prices, permissions, custom fields and data tables of the key's app.
//!
//! Errors are problem documents (RFC 9457) with the stable code of the error table.

pub(crate) mod app;
pub(crate) mod clock;
pub(crate) mod custom_fields;
pub(crate) mod discount_codes;
pub(crate) mod mails;
pub(crate) mod permissions;
pub(crate) mod plans;
pub(crate) mod sessions;
pub(crate) mod tables;

use crate::Http;
use crate::idempotency::once;
use crate::memberstack::{self, Arrival};
use crate::observe::CalledBy;
use crate::problem::{failed, json, status, typed};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use guildhall_app::{Access, AppError, Caller};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use serde_json::{Value, json as value};

/// Lets in who has a secret key. What its scopes allow is asked by each handler.
pub(crate) async fn door(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    let arrival = Arrival::of(&http, &request);
    let caller = match arrival.enter(&http).await {
        Ok(caller) => caller,
        Err(error) => return problem(error),
    };
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
        memberstack::rate_headers(response.headers_mut(), rate);
    }
    response.extensions_mut().insert(CalledBy(caller));
    response
}

/// Answers of this surface are for the caller alone.
pub(crate) async fn private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error as a problem document.
pub(crate) fn problem(error: AppError) -> Response {
    let number = error.code.status();
    let body = value!({
        "type": "about:blank",
        "title": error.code.message(),
        "status": number,
        "code": error.code.name(),
        "detail": error.message,
    });
    failed(typed(status(number), "application/problem+json", body.to_string().into_bytes()), error)
}

/// Whose app it is, and on whose behalf the audit trail says it was changed.
fn place(caller: &Caller, access: &Access<'_>) -> (AppId, Actor) {
    (access.definitions().app.id.clone(), Actor::Key(caller.key_id().clone()))
}

fn answer(result: Result<Value, AppError>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, body.to_string().into_bytes()),
        Err(error) => problem(error),
    }
}

fn created(result: Result<Value, AppError>) -> Response {
    match result {
        Ok(body) => json(StatusCode::CREATED, body.to_string().into_bytes()),
        Err(error) => problem(error),
    }
}

fn gone(result: Result<(), AppError>) -> Response {
    match result {
        Ok(()) => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(error) => problem(error),
    }
}
