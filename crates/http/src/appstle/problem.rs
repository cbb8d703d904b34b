//! Errors of this dialect, in the four shapes that its clients know (wire contract A.2, A.5 and C.0): the one 401, the
//! one 429, the "problem with message" of frameworks, and the alert that names an entity and an error's key.
//!
//! What the application says is translated here and nowhere else.

use crate::problem::{failed, json, status, typed};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_domain::Code;
use serde_json::{Value, json as value};

const WITH_MESSAGE: &str = "https://www.jhipster.tech/problem/problem-with-message";
const CONSTRAINT_VIOLATION: &str = "https://www.jhipster.tech/problem/constraint-violation";
/// Marks words that are fit for the eyes of a site's own members.
const FOR_USERS: &str = "UserGeneratedError:";

static ERROR: HeaderName = HeaderName::from_static("x-subscriptionapp-error");
static PARAMS: HeaderName = HeaderName::from_static("x-subscriptionapp-params");

/// What a store key meets whose app asks for a partner's key beside it, when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanGate {
    /// The 401 of every bad key, as the vendor is seen to answer.
    Unauthorized,
    /// 403 with the error's key `apiPlanRequired`.
    Forbidden,
}

/// Why a call did not happen, and how that is told.
#[derive(Debug)]
pub(crate) struct Problem {
    error: Box<AppError>,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    /// `{error, message, status}`: a bad key, whatever is wrong with it.
    BadKey,
    /// `{error, message, status}`: more requests than the limit.
    TooMany,
    /// `{type, title, status, detail, path, message: "error.http.<status>"}`
    Plain,
    /// `{entityName, errorKey, type, title, status, message, params}`
    Alert { entity: &'static str, key: &'static str, for_users: bool },
    /// `{type, title, status, path, message: "error.validation", fieldErrors}`
    Fields(Vec<FieldError>),
}

/// A field of a body that is not what it must be.
#[derive(Clone, Debug)]
pub(crate) struct FieldError {
    /// What the body describes, e.g. `subscriptionGroup`.
    pub object: &'static str,
    /// Its name, with its place in lists: `subscriptionPlans[0].price`.
    pub field: String,
    /// The rule that it breaks: `NotNull`, `NotBlank`, `Min`, …
    pub rule: &'static str,
}

impl Problem {
    /// A parameter that is missing or is not what it must be: 400 with a detail that names it.
    pub fn parameter(detail: impl Into<String>) -> Self {
        AppError::because(Code::QueryInvalid, detail.into()).into()
    }

    /// An id that names nothing of the caller's own, where the vendor answers 400 rather than 404 (wire contract A.3).
    pub fn invalid_id(entity: &'static str) -> Self {
        Self::alert(Code::QueryInvalid, entity, "idnull", "Invalid id")
    }

    /// An error with an entity and a key that clients branch on. Status 400.
    pub fn alert(code: Code, entity: &'static str, key: &'static str, message: impl Into<String>) -> Self {
        let error = Box::new(AppError::because(code, message.into()));
        Self { error, shape: Shape::Alert { entity, key, for_users: false } }
    }

    /// An error with a key that is about no entity.
    fn bare(error: Box<AppError>, key: &'static str) -> Self {
        Self { error, shape: Shape::Alert { entity: "", key, for_users: false } }
    }

    /// Fields of a body that are not what they must be.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self { error: Box::new(Code::BodyInvalid.into()), shape: Shape::Fields(errors) }
    }

    /// As [`Problem::fields`], for one.
    pub fn field(object: &'static str, field: impl Into<String>, rule: &'static str) -> Self {
        Self::fields(vec![FieldError { object, field: field.into(), rule }])
    }

    /// The answer, to a request for this path.
    pub fn respond(self, path: &str) -> Response {
        let Self { error, shape } = self;
        let response = match &shape {
            Shape::BadKey => flat(StatusCode::UNAUTHORIZED, "Unauthorized", "Invalid API key provided"),
            Shape::TooMany => flat(
                StatusCode::TOO_MANY_REQUESTS,
                "Too Many Requests",
                "The limit of requests is reached; wait as long as Retry-After says.",
            ),
            Shape::Plain => {
                let status = status(error.code.status());
                document(
                    status,
                    &value!({
                        "type": WITH_MESSAGE, "title": status.canonical_reason().unwrap_or_default(),
                        "status": status.as_u16(), "detail": error.message, "path": path,
                        "message": format!("error.http.{}", status.as_u16()),
                    }),
                )
            }
            Shape::Alert { entity, key, for_users } => alert(&error, entity, key, *for_users),
            Shape::Fields(errors) => fields(errors, path),
        };
        failed(response, *error)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        AppError::from(code).into()
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let error = Box::new(error);
        let (entity, key) = match error.code {
            Code::KeyMissing | Code::KeyInvalid | Code::ShopForeign => {
                return Self { error, shape: Shape::BadKey };
            }
            Code::RateLimited => return Self { error, shape: Shape::TooMany },
            Code::ApiAccessOff => return Self::bare(error, "apiPlanRequired"),
            Code::IdempotencyKeyInvalid => return Self::bare(error, "idempotencyKeyInvalid"),
            Code::IdempotencyKeyReused => return Self::bare(error, "idempotencyKeyReused"),
            Code::IdempotencyInFlight => return Self::bare(error, "idempotencyInFlight"),
            Code::IdempotencyAnswerLost => return Self::bare(error, "idempotencyAnswerLost"),
            Code::ContractEnded => (CONTRACT, "contractEnded"),
            Code::ContractNotActive => (CONTRACT, "contractNotActive"),
            Code::NotBilled => (CONTRACT, "contractNotBilled"),
            Code::MinCyclesNotReached => (CONTRACT, "minCyclesNotReached"),
            Code::NextBillingPast => (CONTRACT, "nextBillingDateInPast"),
            Code::LineNotFound => (CONTRACT, "lineNotFound"),
            Code::LastLine => (CONTRACT, "lastLine"),
            Code::TooManyLines => (CONTRACT, "tooManyLines"),
            Code::SameVariant => (CONTRACT, "sameVariant"),
            Code::PriceRetired => (CONTRACT, "variantNotAvailable"),
            // Documented (wire contract C.0 and C.8).
            Code::ChangePending => (CONTRACT, "pendingDowngradeExists"),
            Code::DiscountExists => (CONTRACT, "discountAlreadyApplied"),
            Code::DiscountNotFound => (CONTRACT, "discountNotFound"),
            Code::DiscountCodeUnknown => (CONTRACT, "discountCodeInvalid"),
            Code::TooManyDiscounts => (CONTRACT, "tooManyDiscounts"),
            // Documented (wire contract C.5).
            Code::PaymentMethodMissing | Code::PaymentMethodUnclear => {
                (CONTRACT, "createSubscriptionContractError")
            }
            Code::CustomerNumberTaken | Code::CustomerNumberInvalid => (CONTRACT, "customerIdInvalid"),
            Code::EmailTaken | Code::EmailInvalid => (CONTRACT, "customerEmailInvalid"),
            Code::SandboxFull => (CONTRACT, "sandboxMemberLimitReached"),
            Code::PlanFull => (CONTRACT, "planMemberLimitReached"),
            Code::ChargeUnderWay => (ATTEMPT, "billingInProgress"),
            Code::AttemptNotQueued => (ATTEMPT, "attemptNotQueued"),
            Code::AttemptNotSkipped => (ATTEMPT, "attemptNotSkipped"),
            Code::NameInvalid => (SUBSCRIPTION_GROUP, "nameInvalid"),
            _ => return Self { error, shape: Shape::Plain },
        };
        Self { error, shape: Shape::Alert { entity, key, for_users: true } }
    }
}

/// What the problem bodies call a contract.
pub(crate) const CONTRACT: &str = "subscriptionContractDetails";
/// What the problem bodies call a billing attempt.
pub(crate) const ATTEMPT: &str = "subscriptionBillingAttempt";
/// What the problem bodies call a customer.
pub(crate) const CUSTOMER: &str = "customer";
/// What the problem bodies call a plan group.
pub(crate) const SUBSCRIPTION_GROUP: &str = "subscriptionGroup";

/// An error of the application, in answer to a request for this path.
pub(crate) fn problem(error: AppError, path: &str) -> Response {
    Problem::from(error).respond(path)
}

/// What the door answers to whom it does not let in.
pub(super) fn refused(gate: PlanGate, error: AppError, path: &str) -> Response {
    if error.code == Code::ApiAccessOff && gate == PlanGate::Unauthorized {
        return Problem { error: Box::new(error), shape: Shape::BadKey }.respond(path);
    }
    problem(error, path)
}

/// `{error, message, status}`
fn flat(status: StatusCode, error: &str, message: &str) -> Response {
    // Written in the documented order, which a map of fields would not keep.
    let number = status.as_u16();
    let body = format!(r#"{{"error":"{error}","message":"{message}","status":{number}}}"#);
    json(status, body.into_bytes())
}

fn document(status: StatusCode, body: &Value) -> Response {
    typed(status, "application/problem+json", body.to_string().into_bytes())
}

/// Errors about an entity are 400, whatever their code says elsewhere.
fn alert(error: &AppError, entity: &str, key: &str, for_users: bool) -> Response {
    let status = if entity.is_empty() { status(error.code.status()) } else { StatusCode::BAD_REQUEST };
    let text = match for_users {
        true => format!("{FOR_USERS}{}", error.message),
        false => error.message.to_string(),
    };
    let body = value!({
        "entityName": entity, "errorKey": key, "type": WITH_MESSAGE, "title": text, "status": status.as_u16(),
        "message": text, "params": entity,
    });
    let mut response = document(status, &body);
    let headers = response.headers_mut();
    headers.insert(ERROR.clone(), visible(&format!("error.{key}")));
    headers.insert(PARAMS.clone(), visible(entity));
    response
}

fn fields(errors: &[FieldError], path: &str) -> Response {
    let errors = errors
        .iter()
        .map(|error| value!({ "objectName": error.object, "field": error.field, "message": error.rule }));
    let errors: Vec<_> = errors.collect();
    document(
        StatusCode::BAD_REQUEST,
        &value!({
            "type": CONSTRAINT_VIOLATION, "title": "Method argument not valid", "status": 400, "path": path,
            "message": "error.validation", "fieldErrors": errors,
        }),
    )
}

/// A header of these words; what a header cannot carry becomes a question mark.
pub(super) fn visible(text: &str) -> HeaderValue {
    let kept: String =
        text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(500).collect();
    HeaderValue::from_str(&kept).unwrap_or_else(|_| HeaderValue::from_static(""))
}
