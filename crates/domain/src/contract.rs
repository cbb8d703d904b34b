//! A member's hold on a plan. Memberstack calls it a plan connection, Appstle a membership contract; it is
//! one thing with two views.
//!
//! The rules of its life are here and only here: what may be done with it and what comes of it
//! (`change`, `plan_change`), when it is billed and what a charge leads to (`renewal`), in which states it can be at all
//! (`life`). All of it is pure: whoever calls brings the time, and carries out what it is told.

mod change;
mod document;
mod life;
mod plan_change;
mod renewal;
mod schedule;
mod standing;
mod summary;
mod terms;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod under_way;

pub use change::{Draft, LINES_MAX};
pub use document::ContractColumns;
pub use life::{Active, Cancelled, Dunning, Expired, Failed, Life, PauseReason, Paused};
pub use plan_change::{Change, PlanChange};
pub use renewal::{Charge, Due, DunningOutcome, DunningPolicy, Outcome};
pub use schedule::{Period, PeriodUnit, Schedule, is_time_zone, local_day};
pub use standing::Standing;
pub use summary::{ConnectionStatus, ContractSummary, PaymentSummary};
pub use terms::{
    Asked, Discount, DiscountValue, Item, LastPayment, LeftOut, Line, Notes, Progress, TOTAL_MAX, Terms,
};

use crate::ids::{ContractId, PlanId};
use crate::member_id::MemberKey;
use crate::time::Timestamp;

/// How a plan is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractKind {
    /// Costs nothing.
    Free,
    /// Billed again and again.
    Recurring,
    /// Paid once, held for ever.
    Once,
}

impl ContractKind {
    const ALL: [Self; 3] = [Self::Free, Self::Recurring, Self::Once];

    /// As stored, and as Memberstack names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ContractKind::Free => "FREE",
            ContractKind::Recurring => "SUBSCRIPTION",
            ContractKind::Once => "ONETIME",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The name of the state that a contract is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractStatus {
    /// It runs.
    Active,
    /// It rests.
    Paused,
    /// It was ended.
    Cancelled,
    /// It has run its term.
    Expired,
    /// It could not go on.
    Failed,
}

impl ContractStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Active, Self::Paused, Self::Cancelled, Self::Expired, Self::Failed];

    /// As stored, and as Appstle names it (wire contract E.2).
    pub const fn as_str(self) -> &'static str {
        match self {
            ContractStatus::Active => "ACTIVE",
            ContractStatus::Paused => "PAUSED",
            ContractStatus::Cancelled => "CANCELLED",
            ContractStatus::Expired => "EXPIRED",
            ContractStatus::Failed => "FAILED",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it may still be billed.
    pub const fn is_live(self) -> bool {
        matches!(self, ContractStatus::Active | ContractStatus::Paused)
    }
}

/// A member's hold on a plan, or on something that an integrator named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Its number in the installation; 0 until it is stored.
    pub number: i64,
    /// `con_…`
    pub id: ContractId,
    /// Who holds it.
    pub holder: MemberKey,
    /// How it is held.
    pub kind: ContractKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Where it is in its life.
    pub life: Life,
    /// What is billed, and how often.
    pub terms: Terms,
    /// How far it has come.
    pub progress: Progress,
    /// A change of plan that waits for something.
    pub change: Option<Change>,
    /// What people have written about it.
    pub notes: Notes,
}

/// What came of something that was done with a contract, in the order in which it happened. Each is an
/// event for webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was made.
    Created,
    /// It runs again.
    Activated,
    /// It rests.
    Paused,
    /// It was ended.
    Cancelled,
    /// It has run its term.
    Expired,
    /// It could not go on.
    Failed,
    /// It is for something else now.
    PlanChanged,
    /// It is billed on another date.
    NextBillingChanged,
    /// It is billed more or less often.
    IntervalChanged,
    /// A charge succeeded.
    Charged,
    /// A charge did not succeed.
    ChargeFailed,
    /// A period was left out.
    Skipped,
    /// The member gained or lost the use of what it holds.
    AccessChanged,
    /// Something else about it changed.
    Updated,
}

impl Contract {
    /// The name of its state.
    pub const fn status(&self) -> ContractStatus {
        match self.life {
            Life::Active(_) => ContractStatus::Active,
            Life::Paused(_) => ContractStatus::Paused,
            Life::Cancelled(_) => ContractStatus::Cancelled,
            Life::Expired(_) => ContractStatus::Expired,
            Life::Failed(_) => ContractStatus::Failed,
        }
    }

    /// The plan that is held, if it is one of ours.
    pub fn plan(&self) -> Option<&PlanId> {
        self.terms.plan()
    }

    /// When it is billed next, would be if it were resumed, or would have been. Nothing if it never is.
    pub const fn next_billing(&self) -> Option<Timestamp> {
        match &self.life {
            Life::Active(active) => active.next,
            Life::Paused(paused) => paused.next,
            Life::Cancelled(cancelled) => cancelled.next,
            Life::Expired(_) | Life::Failed(_) => None,
        }
    }

    /// Until when the member may use what it holds, as far as that is known: the next date a running contract
    /// is billed on, the end of what was paid for one that rests or has ended. While a charge is tried again, nobody
    /// knows.
    pub const fn access_until(&self) -> Option<Timestamp> {
        match &self.life {
            Life::Active(Active { dunning: Some(_), .. }) => None,
            Life::Active(active) => active.next,
            _ => self.progress.paid_until,
        }
    }

    /// When the use of what is held ends or ended, if it has been ended: never before that.
    pub fn ends_at(&self) -> Option<Timestamp> {
        let ended = match &self.life {
            Life::Active(_) | Life::Paused(_) => return None,
            Life::Cancelled(cancelled) => cancelled.at,
            Life::Expired(expired) => expired.at,
            Life::Failed(failed) => failed.at,
        };
        Some(self.progress.paid_until.map_or(ended, |until| until.max(ended)))
    }

    /// When a charge that failed is tried again, or since when it rests because of one. Nothing if no charge of it
    /// is failing.
    pub const fn attention_at(&self) -> Option<Timestamp> {
        match &self.life {
            Life::Active(Active { dunning: Some(dunning), .. }) => Some(dunning.next_try),
            Life::Paused(Paused {
                reason: PauseReason::Dunning | PauseReason::SecurityChallenge,
                since,
                ..
            }) => Some(*since),
            _ => None,
        }
    }

    /// Whether it rests because the bank wants its customer to confirm.
    pub const fn is_paused_by_challenge(&self) -> bool {
        matches!(&self.life, Life::Paused(Paused { reason: PauseReason::SecurityChallenge, .. }))
    }

    /// Whether it rests after it ran; a contract can be made paused.
    pub const fn is_paused_from_active(&self) -> bool {
        matches!(&self.life, Life::Paused(Paused { was_active: true, .. }))
    }

    /// Whether it is in its trial.
    pub fn in_trial(&self, now: Timestamp) -> bool {
        self.progress.trial_ends_at.is_some_and(|end| now < end) && self.progress.paid_cycles == 0
    }

    /// The attempt that stands in the queue: its slot and its date. One that is under way is none.
    pub fn queued(&self) -> Option<(i64, Timestamp)> {
        let Life::Active(Active { next: Some(next), dunning: None, .. }) = &self.life else {
            return self.missed_or_waiting();
        };
        Some((self.progress.slot.into(), *next))
    }

    /// A paused contract's attempt stays in the queue until its date.
    fn missed_or_waiting(&self) -> Option<(i64, Timestamp)> {
        match &self.life {
            Life::Paused(Paused { next: Some(next), missed: false, reason, .. })
                if *reason != PauseReason::SecurityChallenge =>
            {
                Some((self.progress.slot.into(), *next))
            }
            _ => None,
        }
    }
}
