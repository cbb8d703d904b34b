//! The portal's style sheet, carried in the binary. Its address holds a hash of what it is, so browsers may keep it for
//! as long as they like.

use super::guest::Guest;
use super::page::secured;
use crate::problem::typed;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_domain::Code;
use guildhall_domain::key::HashedKey;
use std::sync::LazyLock;

const CSS: &str = include_str!("../../assets/portal.css");

/// `/portal/assets/<hash>/portal.css`
static CSS_ADDRESS: LazyLock<String> = LazyLock::new(|| {
    let hash = HashedKey::of(CSS);
    let hash: String = hash.as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/portal/assets/{hash}/portal.css")
});

/// Where the style sheet is found.
pub(super) fn css() -> &'static str {
    &CSS_ADDRESS
}

/// `GET /portal/assets/{hash}/{name}`
pub(super) async fn get(guest: Guest) -> Result<Response, AppError> {
    if guest.path != css() {
        return Err(Code::RouteUnknown.into());
    }
    let mut response = secured(typed(StatusCode::OK, "text/css; charset=utf-8", CSS.as_bytes().to_vec()));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    Ok(response)
}
