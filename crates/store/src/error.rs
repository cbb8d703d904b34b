//! The ways storage can fail.

use crate::dialect::Constraint;

/// Why a unit of work did not happen. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine does not answer, or refuses: connection lost, disk full, I/O error. Worth
    /// trying again. The text is for the log.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Too much is waiting already. Worth trying again shortly.
    #[error("too many units of work are waiting")]
    Overloaded,
    /// A rule that the database keeps would have been broken.
    #[error("the change conflicts with {0:?}")]
    Conflict(Constraint),
    /// A read took longer than one may.
    #[error("the statement took too long")]
    TimedOut,
    /// A data table is no longer what the caller's view of it says. Worth trying again.
    #[error("a data table has changed")]
    TableChanged,
    /// Another run of the same request, known by its `Idempotency-Key`, has taken this one's place.
    #[error("another run of the request has taken its place")]
    Superseded,
    /// What is stored is not what we wrote, or a statement does not fit the schema: a fault of ours.
    #[error("stored data or a statement is not as expected: {0}")]
    Corrupt(String),
    /// The unit of work panicked; only it failed.
    #[error("a unit of work panicked")]
    Panicked,
    /// The database was written by a newer version.
    #[error(
        "the database has schema version {found}, this guildhall knows versions up to {known}: \
         install the newer guildhall, or restore a backup made by this one"
    )]
    TooNew {
        /// The version that the database has.
        found: i64,
        /// The highest version that this binary has.
        known: i64,
    },
}

impl StoreError {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}
