//! Request bodies: read whole, within bounds.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use bytes::{Bytes, BytesMut};
use guildhall_app::AppError;
use guildhall_domain::{Code, json};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde_json::{Map, Value};

/// A body that is too large is still read up to this size, so that the client gets to see the
/// answer instead of a broken connection.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads a body as one JSON value. An empty body is `None`.
pub(crate) async fn json_value(request: Request, bytes_max: usize) -> Result<Option<Value>, AppError> {
    let encoded = request.headers().get(header::CONTENT_ENCODING);
    if encoded.is_some_and(|encoding| encoding != "identity") {
        return Err(Code::BodyEncoded.into());
    }
    let bytes = collect(request.into_body(), bytes_max).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let value =
        json::parse(&bytes).map_err(|error| AppError::because(Code::BodyNotJson, error.to_string()))?;
    Ok(Some(value))
}

/// Reads a body that must be a JSON object.
pub(crate) async fn json_object(request: Request, bytes_max: usize) -> Result<Map<String, Value>, AppError> {
    match json_value(request, bytes_max).await? {
        None => Err(AppError::because(Code::BodyNotJson, "The body is empty; send a JSON object.")),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(AppError::because(Code::BodyInvalid, "The body must be a JSON object.")),
    }
}

/// Reads a body that means nothing to anybody. One SDK sends one with every GET.
pub(crate) async fn discard(body: Body) {
    if !body.is_end_stream() {
        let _ = collect(body, 0).await;
    }
}

/// Reads a body whole.
pub(crate) async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, AppError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        // The connection broke or stalled: there is nobody left to answer, or it is too late.
        let frame = frame.map_err(|_| AppError::new(Code::BodyTooSlow))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > DISCARDED_BYTES_MAX {
            break;
        }
        if seen > bytes_max {
            continue;
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    if seen > bytes_max {
        let message = format!("The body is larger than {bytes_max} bytes.");
        return Err(AppError::because(Code::BodyTooLarge, message));
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
