//! The state machine: what a contract's life is made of, and the only ways from one part to the next.
//!
//! Each state is a type of its own with just the transitions that exist, so that an illegal one cannot be
//! written down:
//!
//! ```text
//!   create ─► Active ⇄ Paused          Active ─► Expired   (last cycle, end of term)
//!               │        │             Active ─► Failed    (could not be charged, and never will be)
//!               ▼        ▼
//!             Cancelled ◄┘ ─► Active   (only before the date it would have been billed on)
//! ```

use super::document::{maybe_micros, micros};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a contract is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "UPPERCASE")]
pub enum Life {
    /// It is billed, or costs nothing.
    Active(Active),
    /// It is not billed until it is resumed.
    Paused(Paused),
    /// Somebody, or the dunning policy, has ended it.
    Cancelled(Cancelled),
    /// It has run its term.
    Expired(Expired),
    /// It could not go on.
    Failed(Failed),
}

/// A contract that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// Since when.
    #[serde(with = "micros")]
    pub since: Timestamp,
    /// When it is billed next; nothing if nothing is to be billed any more.
    #[serde(with = "maybe_micros")]
    pub next: Option<Timestamp>,
    /// Set while a due period could not be charged yet.
    pub dunning: Option<Dunning>,
}

/// How it stands with a due period that could not be charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dunning {
    /// Failed tries so far.
    pub tries: u32,
    /// When it is tried again.
    #[serde(with = "micros")]
    pub next_try: Timestamp,
}

/// Why a contract rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseReason {
    /// Somebody asked for it, or it was made so.
    Asked,
    /// A period could not be charged, and the dunning policy says to pause.
    Dunning,
    /// The bank wants its customer to confirm.
    SecurityChallenge,
}

/// A contract that rests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Since when.
    #[serde(with = "micros")]
    pub since: Timestamp,
    /// When it would have been billed next.
    #[serde(with = "maybe_micros")]
    pub next: Option<Timestamp>,
    /// Why.
    pub reason: PauseReason,
    /// When it resumes by itself.
    #[serde(with = "maybe_micros")]
    pub resume_at: Option<Timestamp>,
    /// Whether it was running before; a contract can be made paused.
    pub was_active: bool,
    /// Whether `next` has come and gone meanwhile.
    pub missed: bool,
}

/// A contract that somebody has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// When.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// When it would have been billed next: until then it can be taken up again.
    #[serde(with = "maybe_micros")]
    pub next: Option<Timestamp>,
}

/// A contract that has run its term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// When.
    #[serde(with = "micros")]
    pub at: Timestamp,
}

/// A contract that could not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// When.
    #[serde(with = "micros")]
    pub at: Timestamp,
}

impl Active {
    /// A contract that begins.
    pub const fn begin(since: Timestamp, next: Option<Timestamp>) -> Self {
        Self { since, next, dunning: None }
    }

    /// Rests.
    pub fn pause(self, now: Timestamp, reason: PauseReason, resume_at: Option<Timestamp>) -> Paused {
        Paused { since: now, next: self.next, reason, resume_at, was_active: true, missed: false }
    }

    /// Is ended by somebody.
    pub fn cancel(self, now: Timestamp) -> Cancelled {
        // What has fallen due and was not paid cannot be taken up again.
        let next = self.next.filter(|next| *next > now && self.dunning.is_none());
        Cancelled { at: now, next }
    }

    /// Has run its term.
    pub const fn expire(self, now: Timestamp) -> Expired {
        Expired { at: now }
    }

    /// Cannot go on.
    pub const fn fail(self, now: Timestamp) -> Failed {
        Failed { at: now }
    }
}

impl Paused {
    /// A contract that is made paused.
    pub const fn begin(since: Timestamp, next: Option<Timestamp>) -> Self {
        Self { since, next, reason: PauseReason::Asked, resume_at: None, was_active: false, missed: false }
    }

    /// Runs again. `next` is the date it is billed on, which lies in the future.
    pub const fn resume(self, now: Timestamp, next: Option<Timestamp>) -> Active {
        Active::begin(now, next)
    }

    /// Is ended by somebody.
    pub fn cancel(self, now: Timestamp) -> Cancelled {
        Cancelled { at: now, next: self.next.filter(|next| *next > now && !self.missed) }
    }
}

impl Cancelled {
    /// Is taken up again, or is not if the date it would have been billed on has passed.
    ///
    /// # Errors
    /// Itself, as it was.
    pub fn reactivate(self, now: Timestamp) -> Result<Active, Self> {
        match self.next {
            Some(next) if next > now => Ok(Active::begin(now, Some(next))),
            _ => Err(self),
        }
    }
}
