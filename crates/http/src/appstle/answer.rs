//! Answers of calls that succeeded.

use super::paging::Page;
use super::problem::visible;
use crate::problem::{json, typed};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

static ALERT: HeaderName = HeaderName::from_static("x-subscriptionapp-alert");
static PARAMS: HeaderName = HeaderName::from_static("x-subscriptionapp-params");
static TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// An answer in the making.
pub(super) struct Answer(Response);

impl Answer {
    /// 200 with this body.
    pub fn json(body: &Value) -> Self {
        Self(json(StatusCode::OK, body.to_string().into_bytes()))
    }

    /// 200 with this text.
    pub fn text(text: &'static str) -> Self {
        Self(typed(StatusCode::OK, "text/plain; charset=utf-8", text.as_bytes().to_vec()))
    }

    /// Not to be kept by whoever passes it on: it holds a secret.
    pub fn unkept(mut self) -> Self {
        self.0.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self
    }

    /// 201 with this body.
    pub fn created(body: &Value) -> Self {
        Self(json(StatusCode::CREATED, body.to_string().into_bytes()))
    }

    /// 200 with one page of rows as a bare array, and in headers how many there are and where the other pages lie
    /// (wire contract C.0).
    pub fn page(rows: Vec<Value>, page: &Page, total: u64) -> Self {
        let mut answer = Self::json(&Value::Array(rows));
        let headers = answer.0.headers_mut();
        headers.insert(TOTAL_COUNT.clone(), total.into());
        headers.insert(axum::http::header::LINK, visible_link(&page.links(total)));
        answer
    }

    /// With the words of the header that tells what was changed, and of what.
    pub fn alert(mut self, text: &str, params: &str) -> Self {
        let headers = self.0.headers_mut();
        headers.insert(ALERT.clone(), visible(text));
        headers.insert(PARAMS.clone(), visible(params));
        self
    }

    /// With the address of what was made.
    pub fn at(mut self, location: &str) -> Self {
        self.0.headers_mut().insert(axum::http::header::LOCATION, visible(location));
        self
    }

    /// 200 without a body.
    pub fn empty() -> Self {
        Self(Response::default())
    }

    /// 204.
    pub fn no_content() -> Self {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        Self(response)
    }

    pub fn into_response(self) -> Response {
        self.0
    }
}

/// Links are made of percent-encoded parts, so nothing of them is lost.
fn visible_link(links: &str) -> axum::http::HeaderValue {
    axum::http::HeaderValue::from_str(links).unwrap_or_else(|_| visible(links))
}
