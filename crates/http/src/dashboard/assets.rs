//! Style and scripts, carried in the binary. Their addresses hold a hash of what they are, so browsers
//! may keep them for as long as they like.

use super::desk::Desk;
use super::page::secured;
use crate::problem::typed;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_domain::Code;
use rust_embed::RustEmbed;
use std::fmt::Write;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// `/dashboard/assets/<hash>/<name>` for each file.
static ADDRESSES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let address = |name: &str| Some(format!("/dashboard/assets/{}/{name}", hash_of(name)?));
    Files::iter().filter_map(|name| Some((name.to_string(), address(&name)?))).collect()
});

fn hash_of(name: &str) -> Option<String> {
    let mut hash = String::new();
    for byte in &Files::get(name)?.metadata.sha256_hash()[..8] {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    Some(hash)
}

/// Where a file is found; empty if there is none of this name.
pub(super) fn address(name: &str) -> &'static str {
    ADDRESSES.iter().find(|(known, _)| known == name).map_or("", |(_, address)| address)
}

/// `GET /dashboard/assets/{hash}/{name}`
pub(super) async fn get(desk: Desk) -> Result<Response, AppError> {
    let name = desk.param("name");
    let file = Files::get(name).filter(|_| address(name) == desk.path).ok_or(Code::RouteUnknown)?;
    let content_type = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut response = secured(typed(StatusCode::OK, content_type, file.data.into_owned()));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    Ok(response)
}
