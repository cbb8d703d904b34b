//! Why something that was asked for is not done: a code to branch on, and words that say what to do.

use crate::Code;
use std::borrow::Cow;

/// A refusal decided by value alone. The words may name keys of the caller's own schema, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What clients branch on.
    pub code: Code,
    /// Words for the caller.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// With words that say more than the code's own.
    pub fn because(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::because(code, code.message())
    }
}
