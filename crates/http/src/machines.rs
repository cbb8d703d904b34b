//! What machines ask: alive, ready, numbers.

use crate::Http;
use crate::problem::{json, typed};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::atomic::Ordering;

/// The process runs.
pub(crate) async fn healthz() -> Response {
    json(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
}

/// The database answers and the server is not stopping: a balancer may send requests.
pub(crate) async fn readyz(State(http): State<Http>) -> Response {
    if http.settings().draining.load(Ordering::Relaxed) {
        return json(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"draining"}"#.to_vec());
    }
    match http.guildhall().ping().await {
        Ok(()) => json(StatusCode::OK, br#"{"status":"ready"}"#.to_vec()),
        Err(error) => {
            tracing::warn!(?error, "not ready");
            json(StatusCode::SERVICE_UNAVAILABLE, br#"{"status":"database unavailable"}"#.to_vec())
        }
    }
}

/// Numbers in the Prometheus text form.
pub(crate) async fn metrics(State(http): State<Http>) -> Response {
    let text = http.metrics().render(http.guildhall());
    typed(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text.into_bytes())
}
