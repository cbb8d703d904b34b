//! Errors on their way out: what every dialect shares.

use crate::memberstack::rate_headers;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;

/// What the log says about a failed request. Travels beside the response, never in it.
#[derive(Clone)]
pub(crate) struct Failure {
    pub code: &'static str,
    pub internal: Option<String>,
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    typed(status, "application/json; charset=utf-8", body)
}

/// An answer of some type.
pub(crate) fn typed(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Puts onto a dialect's error answer what all of them carry.
pub(crate) fn failed(mut response: Response, error: AppError) -> Response {
    if let Some(seconds) = error.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(rate) = error.rate {
        rate_headers(response.headers_mut(), rate);
    }
    let failure = Failure { code: error.code.name(), internal: error.internal };
    response.extensions_mut().insert(failure);
    response
}

/// A status from the code table.
pub(crate) fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
