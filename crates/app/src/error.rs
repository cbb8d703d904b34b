//! One error for all use cases: a code from the table, words for the caller, and, apart from
//! them, what only the log may say.

use crate::auth::RateState;
use crate::passwords::PasswordError;
use guildhall_domain::{Code, Refusal};
use guildhall_store::StoreError;
use std::borrow::Cow;
use std::fmt;

/// Why a use case did not happen.
pub struct AppError {
    /// What clients branch on.
    pub code: Code,
    /// Words for the caller. Never a secret, never a statement.
    pub message: Cow<'static, str>,
    /// After how many seconds it is worth trying again, if it is.
    pub retry_after_s: Option<u32>,
    /// The limit that was met, if it was one.
    pub rate: Option<RateState>,
    /// What the log may say beside the code.
    pub internal: Option<String>,
}

impl AppError {
    /// With the code's own message.
    pub fn new(code: Code) -> Self {
        Self::because(code, code.message())
    }

    /// With a message that says more than the code's own.
    pub fn because(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let soon = matches!(
            code,
            Code::Busy
                | Code::StoreUnavailable
                | Code::TableChanged
                | Code::RateLimited
                | Code::IdempotencyInFlight
        );
        let retry_after_s = soon.then_some(1);
        Self { code, message: message.into(), retry_after_s, rate: None, internal: None }
    }

    /// A fault of ours: the caller learns nothing of it, the log everything.
    pub fn internal(what: impl Into<String>) -> Self {
        Self { internal: Some(what.into()), ..Self::new(Code::Internal) }
    }
}

impl From<Code> for AppError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::because(refusal.code, refusal.message)
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Unavailable(_) | StoreError::TooNew { .. } => Code::StoreUnavailable,
            StoreError::Overloaded => Code::Busy,
            StoreError::TimedOut => Code::QueryTooSlow,
            StoreError::TableChanged => Code::TableChanged,
            StoreError::Superseded => Code::IdempotencyInFlight,
            // A use case that can meet a conflict names it with `or_conflict`.
            StoreError::Conflict(_) | StoreError::Corrupt(_) | StoreError::Panicked => Code::Internal,
        };
        Self { internal: Some(error.to_string()), ..Self::new(code) }
    }
}

impl From<PasswordError> for AppError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::new(Code::Busy),
            PasswordError::TooLong => Self::new(Code::PasswordTooLong),
            other => Self::internal(other.to_string()),
        }
    }
}

/// Turns a conflict with one of these rules into a code; every other failure stays what it is.
pub(crate) fn or_conflict<T>(
    result: Result<T, StoreError>,
    meanings: &[(guildhall_store::Constraint, Code)],
) -> Result<T, AppError> {
    result.map_err(|error| {
        let meaning = match &error {
            StoreError::Conflict(constraint) => meanings.iter().find(|(known, _)| known == constraint),
            _ => None,
        };
        meaning.map_or_else(|| error.into(), |(_, code)| AppError::new(*code))
    })
}

impl fmt::Debug for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)?;
        match &self.internal {
            Some(internal) => write!(f, " ({internal})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AppError {}
