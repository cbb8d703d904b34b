//! A billing attempt: one period of a contract that is due, was charged, was left out or could not be charged.

use crate::plan::Money;
use crate::time::Timestamp;

/// How it stands with an attempt (wire contract, Appstle E.2; those that this server comes to).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptStatus {
    /// Its date lies ahead.
    Queued,
    /// The provider is being asked.
    Requesting,
    /// The money was taken.
    Success,
    /// It could not be charged; it may be tried again.
    Failure,
    /// It was left out because somebody asked for it.
    Skipped,
    /// It was left out because it could not be charged.
    SkippedByDunning,
    /// The bank wants its customer to confirm.
    SecurityChallenge,
    /// Its date came while the contract rested.
    ContractPaused,
    /// The contract was cancelled before its date.
    ContractCancelled,
    /// The contract had run its term before its date.
    ContractEnded,
}

impl AttemptStatus {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Requesting,
        Self::Success,
        Self::Failure,
        Self::Skipped,
        Self::SkippedByDunning,
        Self::SecurityChallenge,
        Self::ContractPaused,
        Self::ContractCancelled,
        Self::ContractEnded,
    ];

    /// As stored, and as Appstle names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Requesting => "REQUESTING",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Skipped => "SKIPPED",
            Self::SkippedByDunning => "SKIPPED_DUNNING_MGMT",
            Self::SecurityChallenge => "SECURITY_CHALLENGE",
            Self::ContractPaused => "CONTRACT_PAUSED",
            Self::ContractCancelled => "CONTRACT_CANCELLED",
            Self::ContractEnded => "CONTRACT_ENDED",
        }
    }

    /// As stored, or in any case as a caller writes it.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text))
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number in the installation; 0 until it is stored.
    pub number: i64,
    /// The contract's number.
    pub contract: i64,
    /// The number of the period; below zero for an upgrade's charge. Unique in the contract.
    pub slot: i64,
    /// How it stands with it.
    pub status: AttemptStatus,
    /// The date it is for.
    pub due_at: Timestamp,
    /// What is charged; an estimate while it is queued.
    pub money: Money,
    /// How often the provider was asked.
    pub tries: i64,
    /// When the provider was last asked.
    pub tried_at: Option<Timestamp>,
    /// The key that the provider knows the last charge by.
    pub charge_key: Option<String>,
    /// What the provider calls the charge.
    pub reference: Option<String>,
    /// Why it failed: a word to branch on.
    pub code: Option<String>,
    /// Why it failed, in words.
    pub message: Option<String>,
    /// Shown on its order.
    pub note: String,
    /// What was charged for: the contract's lines, as JSON.
    pub items: String,
    /// When it was put into the queue.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Attempt {
    /// Whether it is the charge for an upgrade.
    pub const fn is_upgrade(&self) -> bool {
        self.slot < 0
    }
}
