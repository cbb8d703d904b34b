//! Appstle's Memberships Admin API under `/api/external/v2/`: the door and what all of its calls share.
//!
//! One file for each noun. A handler takes a [`Call`](call::Call), asks it for an access, reads its parameters and
//! gives back an [`Answer`](answer::Answer) or a [`Problem`](problem::Problem). What the vendor's material says, and
//! what we chose where it is silent, is collected in `docs/appstle-dialect.md`.

pub(crate) mod activity_logs;
mod answer;
pub(crate) mod attempts;
mod call;
pub(crate) mod cancellation_managements;
pub(crate) mod contract_changes;
mod contract_row;
pub(crate) mod contracts;
mod cors;
pub(crate) mod customer_portal;
pub(crate) mod customers;
mod guide;
pub(crate) mod membership_contracts;
pub(crate) mod membership_plans;
mod paging;
mod params;
mod problem;
pub(crate) mod subscription_groups;

pub(crate) use cors::share;
pub use problem::PlanGate;
pub(crate) use problem::problem;

use crate::address::client_address;
use crate::idempotency::once;
use crate::memberstack::rate_headers;
use crate::observe::{CalledBy, RequestId};
use crate::{Http, body};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use guildhall_app::{AppError, Caller, Presented};
use std::net::IpAddr;

/// Whether a path belongs to this dialect.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix("/api/external/v2").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Lets in who has a store key, and a partner's beside it where the app asks for one. Says on every answer how much
/// of the key's limit is left, except on a 401, which is to look the same whatever its cause.
pub(crate) async fn door(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let arrival = Arrival::of(&http, &request);
    let caller = match arrival.enter(&http, &mut request).await {
        Ok(caller) => caller,
        Err(error) => return problem::refused(http.settings().plan_gate, error, &path),
    };
    request.extensions_mut().insert(caller.clone());
    let told = move |error| problem(error, &path);
    let mut response = once(&http, caller.holder(), told, request, next).await;
    if response.status().is_success() {
        caller.note_used(http.guildhall().now());
    }
    if let Some(rate) = caller.rate().filter(|_| response.status() != StatusCode::UNAUTHORIZED) {
        rate_headers(response.headers_mut(), rate);
    }
    response.extensions_mut().insert(CalledBy(caller));
    response
}

/// What the door looks at, taken out of the request.
struct Arrival {
    key: Option<String>,
    partner: Option<String>,
    address: IpAddr,
    id: Option<RequestId>,
}

impl Arrival {
    fn of(http: &Http, request: &Request) -> Self {
        let key = header(request.headers(), "x-api-key").or_else(|| in_query(request.uri()));
        Self {
            key,
            partner: header(request.headers(), "x-app-key"),
            address: client_address(http, request),
            id: request.extensions().get::<RequestId>().cloned(),
        }
    }

    /// Finds out who it is; if there is a body to wait for, once more when it is there, because what was revoked
    /// meanwhile must not act.
    async fn enter(&self, http: &Http, request: &mut Request) -> Result<Caller, AppError> {
        let caller = http.guildhall().identify_store(self.presented(), self.partner.as_deref()).await?;
        let caller = match &self.id {
            Some(id) => caller.with_request(id.as_str()),
            None => caller,
        };
        let body = std::mem::take(request.body_mut());
        if http_body::Body::is_end_stream(&body) {
            return Ok(caller);
        }
        if request.method() == Method::GET {
            // Nobody reads the body of a GET, but some clients send one.
            body::discard(body).await;
            return Ok(caller);
        }
        let bytes = body::collect(body, http.settings().body_bytes_max).await?;
        *request.body_mut() = Body::from(bytes);
        http.guildhall().identify_store_again(caller, self.presented(), self.partner.as_deref()).await
    }

    fn presented(&self) -> Presented<'_> {
        Presented { key: self.key.as_deref(), address: self.address }
    }
}

/// A header that says something: a blank one counts as not sent. Nothing is trimmed off it. Two of them are no key:
/// which was meant is not for us to guess.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    let texts = values.iter().map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let text = texts.collect::<Vec<_>>().join(",");
    (!text.trim().is_empty()).then_some(text)
}

/// `?api_key=`, in the same way.
fn in_query(uri: &Uri) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    let found: Vec<_> = pairs.filter(|(name, _)| name == params::API_KEY).map(|(_, value)| value).collect();
    (!found.is_empty()).then(|| found.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_owns_its_version_and_nothing_else() {
        for own in ["/api/external/v2", "/api/external/v2/", "/api/external/v2/subscription-groups/1"] {
            assert!(owns(own), "{own}");
        }
        for other in ["/api/external/v22", "/api/external/v3/x", "/api/external", "/members", "/"] {
            assert!(!owns(other), "{other}");
        }
    }

    #[test]
    fn a_blank_header_is_none_and_two_are_no_key() {
        let mut headers = HeaderMap::new();
        assert_eq!(header(&headers, "x-api-key"), None);
        headers.insert("x-api-key", HeaderValue::from_static("  "));
        assert_eq!(header(&headers, "x-api-key"), None);
        headers.insert("x-api-key", HeaderValue::from_static(" apst_a"));
        assert_eq!(header(&headers, "x-api-key").as_deref(), Some(" apst_a"), "nothing is trimmed");
        headers.append("x-api-key", HeaderValue::from_static("apst_b"));
        assert_eq!(header(&headers, "x-api-key").as_deref(), Some(" apst_a,apst_b"));
    }

    #[test]
    fn a_key_in_the_query_is_decoded_once_and_not_trimmed() {
        let uri = |text: &str| text.parse::<Uri>().expect("a URI");
        assert_eq!(in_query(&uri("/x?a=1&api_key=K%20")).as_deref(), Some("K "));
        assert_eq!(in_query(&uri("/x?api_key=a&api_key=b")).as_deref(), Some("a,b"));
        assert_eq!(in_query(&uri("/x?api_keys=a")), None);
        assert_eq!(in_query(&uri("/x")), None);
    }
}
