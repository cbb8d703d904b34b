//! The keys that anyone may check members' tokens by (RFC 7517).

use crate::Http;
use crate::memberstack;
use crate::problem::json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json as value};

/// How long others may keep the list, in seconds. A new key signs at once, so not for long; clients
/// that meet an unknown key ask again anyway.
const CACHED: &str = "public, max-age=60";

/// `GET /.well-known/jwks.json`, and `GET /` where that is set.
pub(crate) async fn get(State(http): State<Http>) -> Response {
    let keys = match http.guildhall().published_keys().await {
        Ok(keys) => keys,
        Err(error) => return memberstack::problem(error),
    };
    let key = |key: guildhall_app::tokens::PublishedKey| value!({ "kty": "RSA", "n": key.n, "e": key.e, "alg": "RS256", "use": "sig", "kid": key.kid });
    let keys: Vec<Value> = keys.into_iter().map(key).collect();
    let mut response = json(StatusCode::OK, value!({ "keys": keys }).to_string().into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
