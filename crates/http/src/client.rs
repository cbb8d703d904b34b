//! Memberstack's client API, which its browser SDK speaks: the door, the shape of errors, and what
//! visitors and members of an app's site may do.
//!
//! Shapes and codes follow the SDK; they are collected in `docs/memberstack-dialect.md`.

pub(crate) mod account;
pub(crate) mod app;
pub(crate) mod auth;
mod cors;
pub(crate) mod pages;
pub(crate) mod records;
mod view;

pub(crate) use cors::share;

use crate::address::client_address;
use crate::idempotency::once;
use crate::observe::{RequestId, VisitedBy};
use crate::problem::{failed, json, status};
use crate::{Http, body, memberstack};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use guildhall_app::fields::Fields;
use guildhall_app::{AppError, Arrived, Presented, Visitor, VisitorCall};
use guildhall_domain::Code;
use serde_json::{Map, Value, json as value};
use std::net::IpAddr;

/// Whether a path belongs to the client API.
pub(crate) fn owns(path: &str) -> bool {
    let whole = ["/member", "/member-auth", "/app", "/app-member", "/page-view", "/event"];
    let below = ["/auth/", "/member/", "/app/", "/v1/data-"];
    whole.contains(&path) || below.iter().any(|start| path.starts_with(start))
}

/// Lets in who names an app by its public key or id, and finds out whether it is a member.
pub(crate) async fn door(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    let arrival = Arrival::of(&http, &request);
    let visitor = match arrival.enter(&http, &mut request).await {
        Ok(visitor) => visitor,
        Err(error) => return problem(error),
    };
    request.extensions_mut().insert(visitor.clone());
    let holder = visitor.holder(arrival.arrived().token);
    let mut response = once(&http, Some(holder), problem, request, next).await;
    if response.status().is_success() {
        visitor.note_used(http.guildhall().now());
    }
    if let Some(rate) = visitor.rate() {
        memberstack::rate_headers(response.headers_mut(), rate);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(VisitedBy(visitor));
    response
}

/// What the door looks at, taken out of the request.
struct Arrival {
    key: Option<HeaderValue>,
    app: Option<HeaderValue>,
    token: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    call: VisitorCall,
    address: IpAddr,
    id: Option<RequestId>,
}

impl Arrival {
    fn of(http: &Http, request: &Request) -> Self {
        let headers = request.headers();
        // The SDK sends a stale token along when somebody signs in anew; it says nothing there.
        let path = request.uri().path();
        let anonymous = path.starts_with("/auth/") && path != "/auth/send-email-verification";
        Self {
            key: text(headers, "x-api-key"),
            app: text(headers, "x-app-id"),
            token: text(headers, "authorization").filter(|_| !anonymous),
            user_agent: text(headers, "user-agent"),
            call: call(request.method(), path),
            address: client_address(http, request),
            id: request.extensions().get::<RequestId>().cloned(),
        }
    }

    /// Finds out who it is; if there is a body to wait for, once more when it is there, because what
    /// was revoked meanwhile must not act.
    async fn enter(&self, http: &Http, request: &mut Request) -> Result<Visitor, AppError> {
        let first = http.guildhall().admit_visitor(self.arrived(), Some(self.call)).await?;
        let body = std::mem::take(request.body_mut());
        if http_body::Body::is_end_stream(&body) {
            return Ok(first);
        }
        let bytes = body::collect(body, http.settings().body_bytes_max).await?;
        *request.body_mut() = Body::from(bytes);
        let again = http.guildhall().admit_visitor(self.arrived(), None).await?;
        Ok(again.keeping_rate_of(&first))
    }

    fn arrived(&self) -> Arrived<'_> {
        fn read(value: &Option<HeaderValue>) -> Option<&str> {
            value.as_ref().map(|value| value.to_str().unwrap_or_default())
        }
        let token = read(&self.token).map(|token| token.strip_prefix("Bearer ").unwrap_or_default().trim());
        Arrived {
            presented: Presented { key: read(&self.key), address: self.address },
            app: read(&self.app),
            token,
            user_agent: read(&self.user_agent),
            request: self.id.as_ref().map_or("", RequestId::as_str),
        }
    }
}

/// What a request is about, as far as limits tell calls apart.
fn call(method: &Method, path: &str) -> VisitorCall {
    match path {
        "/v1/data-records" => VisitorCall::CreatesRecord,
        "/v1/data-records/query" => VisitorCall::ReadsRecords,
        _ if !path.starts_with("/v1/data-") => VisitorCall::Other,
        _ if method == Method::GET => VisitorCall::ReadsRecords,
        _ => VisitorCall::ChangesRecord,
    }
}

/// A header that says something. The SDK leaves out what it does not know; other code sends it empty.
fn text(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    headers.get(name).filter(|value| !value.is_empty()).cloned()
}

/// An error as `{code, message, statusCode}`, with the codes that the SDK knows.
pub(crate) fn problem(error: AppError) -> Response {
    let (code, number) = translate(error.code);
    let message: &str = match error.code {
        Code::KeyMissing | Code::KeyInvalid => Code::AppNotFound.message(),
        _ => &error.message,
    };
    let body = value!({ "code": code, "message": message, "statusCode": number }).to_string();
    failed(json(status(number), body.into_bytes()), error)
}

/// The SDK's code and a status for each of ours.
fn translate(code: Code) -> (&'static str, u16) {
    const GENERIC: &str = "generic-message";
    match code {
        Code::AppNotFound | Code::KeyMissing | Code::KeyInvalid => ("app-not-found", 400),
        Code::BodyNotJson => ("validation/invalid-json", 400),
        Code::FieldMissing | Code::EmailMissing | Code::PasswordMissing => ("required-field-missing", 400),
        Code::EmailInvalid => ("invalid-email", 400),
        Code::EmailTaken => ("email-already-in-use", 400),
        Code::PasswordTooShort => ("invalid-password-too-short", 400),
        Code::PasswordNotSet => ("no-password-set", 400),
        Code::PasswordSet => (GENERIC, 400),
        Code::LoginCodeInvalid => ("invalid-passwordless-login-code", 400),
        Code::ResetCodeInvalid => ("invalid-reset-code", 400),
        Code::PlanNotFound => ("plan-not-found", 400),
        Code::PlanNotFree => ("plan-not-free", 400),
        Code::PlanAlreadyHeld => ("already-have-plan", 400),
        Code::PlanNotHeld => ("no-plan-found", 400),
        Code::PlanFull => ("plan-member-limit-reached", 400),
        Code::PlanRestricted => ("plan-restricted-to-admin", 403),
        Code::SandboxFull => ("test-mode-member-limit-reached", 400),
        Code::MemberNotFound => ("member-not-found", 404),
        Code::LoginRequired => ("login-required", 401),
        Code::TokenInvalid => ("client/invalid-token", 401),
        Code::CredentialsInvalid => ("invalid-credentials", 401),
        Code::PasswordWrong => ("invalid-password", 401),
        Code::AccessDenied => ("access-denied", 403),
        Code::TableNotFound => ("data-table-not-found", 404),
        Code::RecordNotFound => ("data-record-not-found", 404),
        Code::FieldValueInvalid => ("invalid-field-value", 400),
        Code::FieldRequired => ("required-field-missing", 400),
        Code::FieldNotUnique => ("unique-constraint-violation", 400),
        Code::IdempotencyKeyInvalid => ("invalid-idempotency-key", 400),
        Code::IdempotencyKeyReused => ("idempotency-key-reused", 422),
        Code::IdempotencyInFlight => ("idempotency-in-flight", 409),
        Code::IdempotencyAnswerLost => ("idempotency-answer-lost", 409),
        other => (GENERIC, other.status()),
    }
}

/// `{"data": …}`
fn answer(result: Result<Value, AppError>) -> Response {
    written(result.map(|data| data.to_string().into_bytes()))
}

/// As [`answer`], for data that is JSON already.
fn written(result: Result<Vec<u8>, AppError>) -> Response {
    match result {
        Ok(data) => {
            let mut body = Vec::with_capacity(data.len() + 10);
            body.extend_from_slice(b"{\"data\":");
            body.extend_from_slice(&data);
            body.push(b'}');
            json(StatusCode::OK, body)
        }
        Err(error) => problem(error),
    }
}

/// The fields of a body. An empty body has none: the SDK sends some calls without one.
async fn fields(http: &Http, request: Request) -> Result<Fields, AppError> {
    let object = match body::json_value(request, http.settings().body_bytes_max).await? {
        None => Map::new(),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(AppError::because(Code::BodyInvalid, "The body must be a JSON object.")),
    };
    Ok(Fields::new(object))
}

/// A text that must be there, and not be empty.
fn required(fields: &mut Fields, name: &str) -> Result<String, AppError> {
    let missing = || AppError::because(Code::FieldMissing, format!("{name} is required."));
    fields.text(name)?.filter(|text| !text.is_empty()).ok_or_else(missing)
}

/// The address, which must be there; one of another type is a bad address.
fn email(fields: &mut Fields) -> Result<String, AppError> {
    match fields.take("email") {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::String(_)) => Err(Code::EmailMissing.into()),
        Some(_) => Err(Code::EmailInvalid.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::owns;

    #[test]
    fn the_client_api_and_the_admin_api_share_no_path() {
        for own in [
            "/member",
            "/member/json",
            "/member-auth",
            "/app",
            "/app/plans/x",
            "/auth/login",
            "/v1/data-tables",
        ] {
            assert!(owns(own), "{own}");
        }
        for other in
            ["/members", "/members/mem_x", "/v2/data-tables", "/manage/v1/app", "/healthz", "/", "/apps"]
        {
            assert!(!owns(other), "{other}");
        }
    }
}
