//! When something about a contract is due, what that is, and what a charge's outcome leads to.
//!
//! A charge takes three steps, each of which may be the last before a crash: [`Contract::begin`] notes that
//! the provider is going to be asked, the provider is asked, [`Contract::settle`] notes what it said. A contract
//! that was left after the first says so, and the provider is asked again *with the same key*, which it
//! knows not to charge twice. The key changes only when the provider has definitely refused.

use super::life::{Active, Dunning, Life, PauseReason, Paused};
use super::plan_change::Change;
use super::terms::{Asked, LastPayment, LeftOut};
use super::{Contract, ContractKind, Happened};
use crate::time::{MICROS_PER_SECOND, Timestamp};

const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// What an app wants done when a charge fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DunningPolicy {
    /// Tries after the first, 0 to 15.
    pub retries: u32,
    /// Days between two tries, 1 to 15.
    pub days: u32,
    /// What is done when all have failed.
    pub outcome: DunningOutcome,
}

impl Default for DunningPolicy {
    fn default() -> Self {
        Self { retries: 3, days: 3, outcome: DunningOutcome::Cancel }
    }
}

/// What is done with a contract whose due period could not be charged (wire contract, Appstle E.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DunningOutcome {
    /// It is ended.
    Cancel,
    /// It rests until somebody resumes it.
    Pause,
    /// The period is left out.
    Skip,
}

impl DunningOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Pause, Self::Skip];

    /// As stored, and as Appstle names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "CANCEL_SUBSCRIPTION",
            Self::Pause => "PAUSE_SUBSCRIPTION",
            Self::Skip => "SKIP_FAILED_ORDER",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What is due about a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing, now.
    Nothing,
    /// The provider is to be asked for this. If `again`, it may have been asked before: what it knows of the
    /// key counts.
    Charge(Charge),
    /// It was done, without a charge; this happened.
    Done(Vec<Happened>),
}

/// A charge to ask the provider for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The attempt's slot: the period's number, or below zero for an upgrade.
    pub slot: i64,
    /// The key that the provider knows it by: `con_…:slot:refusals`.
    pub key: String,
    /// Minor units, above 0.
    pub minor: i64,
    /// Whether the provider may have been asked before.
    pub again: bool,
}

/// What the provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money was taken.
    Paid,
    /// It was definitely refused.
    Declined,
    /// The bank wants its customer to confirm.
    NeedsAuthentication,
    /// The provider did not answer, and knows nothing of the charge.
    Unreached,
}

impl Contract {
    /// When something about it is next due.
    pub fn wake_at(&self) -> Option<Timestamp> {
        if let Some(asked) = &self.progress.asked {
            return Some(asked.at);
        }
        if let Some(Change::Upgrade(upgrade)) = &self.change {
            return Some(upgrade.at);
        }
        match &self.life {
            Life::Active(_) if self.progress.bill_now => Some(self.updated_at),
            Life::Active(Active { dunning: Some(dunning), .. }) => Some(dunning.next_try),
            Life::Active(active) => active.next,
            Life::Paused(paused) => {
                let missed = paused.next.filter(|_| !paused.missed);
                [missed, paused.resume_at, self.access_ends()].into_iter().flatten().min()
            }
            Life::Cancelled(_) | Life::Expired(_) | Life::Failed(_) => self.access_ends(),
        }
    }

    fn access_ends(&self) -> Option<Timestamp> {
        self.progress.paid_until.filter(|_| self.progress.access)
    }

    /// Does what is due, up to the point at which the provider must be asked.
    pub fn begin(&mut self, now: Timestamp) -> Due {
        if self.wake_at().is_none_or(|at| at > now) {
            return Due::Nothing;
        }
        if let Some(asked) = &self.progress.asked {
            let Asked { slot, key, minor, .. } = asked.clone();
            return Due::Charge(Charge { slot, key, minor, again: true });
        }
        if let Some(Change::Upgrade(upgrade)) = &self.change {
            let (minor, slot) = (upgrade.minor, -i64::from(self.progress.upgrades));
            return self.ask(slot, minor, 0, now);
        }
        match &self.life {
            Life::Active(_) => self.begin_period(now),
            Life::Paused(_) => Due::Done(self.rest(now)),
            Life::Cancelled(_) | Life::Expired(_) | Life::Failed(_) => Due::Done(self.lose_access(now)),
        }
    }

    /// The period that is next has come.
    fn begin_period(&mut self, now: Timestamp) -> Due {
        let mut happened = Vec::new();
        if let Some(Change::Downgrade(change)) = self.change.take() {
            self.put_on_line(change.line, change.to);
            happened.push(Happened::PlanChanged);
        }
        let minor = self.due_minor();
        let slot = self.progress.slot.into();
        let credit = self.terms.total() - minor;
        if minor > 0 {
            return self.ask(slot, minor, credit, now);
        }
        // Nothing to take: the period is as good as paid.
        happened.extend(self.charged(slot, 0, credit, self.next_billing(), now));
        Due::Done(happened)
    }

    /// What the period that is next comes to after the contract's credit.
    pub fn due_minor(&self) -> i64 {
        (self.terms.total() - self.progress.credit).max(0)
    }

    fn ask(&mut self, slot: i64, minor: i64, credit: i64, now: Timestamp) -> Due {
        let key = format!("{}:{slot}:{}", self.id, self.progress.declines);
        let before = self.progress.unanswered.take().filter(|unanswered| unanswered.key == key);
        let (minor, credit) = before.map_or((minor, credit), |before| (before.minor, before.credit));
        let due = self.next_billing().filter(|_| slot >= 0);
        self.progress.asked = Some(Asked { slot, key: key.clone(), minor, at: now, due, credit });
        self.updated_at = now;
        Due::Charge(Charge { slot, key, minor, again: false })
    }

    /// A contract that rests: its date passes, what was paid runs out, or it resumes by itself.
    fn rest(&mut self, now: Timestamp) -> Vec<Happened> {
        let Life::Paused(paused) = &mut self.life else {
            return Vec::new();
        };
        if paused.resume_at.is_some_and(|at| at <= now) {
            return self.resume(now).unwrap_or_default();
        }
        if !paused.missed && paused.next.is_some_and(|next| next <= now) {
            paused.missed = true;
            self.progress.slot += 1;
            self.updated_at = now;
        }
        if self.access_ends().is_some_and(|end| end <= now) { self.lose_access(now) } else { Vec::new() }
    }

    pub(super) fn lose_access(&mut self, now: Timestamp) -> Vec<Happened> {
        if !self.progress.access {
            return Vec::new();
        }
        self.progress.access = false;
        self.updated_at = now;
        vec![Happened::AccessChanged]
    }

    pub(super) fn gain_access(&mut self) -> Vec<Happened> {
        if self.progress.access {
            return Vec::new();
        }
        self.progress.access = true;
        vec![Happened::AccessChanged]
    }

    /// Notes what the provider said of the charge that is under way. Of another key, or if none is under way,
    /// nothing happens: it was noted before.
    pub fn settle(
        &mut self,
        key: &str,
        outcome: &Outcome,
        policy: &DunningPolicy,
        now: Timestamp,
    ) -> Vec<Happened> {
        let Some(asked) = self.progress.asked.take_if(|asked| asked.key == key) else {
            return Vec::new();
        };
        self.updated_at = now;
        if asked.slot < 0 {
            return self.settle_upgrade(asked.minor, outcome, now);
        }
        match outcome {
            Outcome::Paid => self.charged(asked.slot, asked.minor, asked.credit, asked.due, now),
            Outcome::Declined => {
                self.progress.declines += 1;
                self.not_charged(asked.minor, policy, now)
            }
            Outcome::Unreached => {
                let minor = asked.minor;
                self.progress.unanswered = Some(asked);
                self.not_charged(minor, policy, now)
            }
            Outcome::NeedsAuthentication => {
                self.progress.declines += 1;
                self.progress.bill_now = false;
                self.progress.last_payment = Some(LastPayment { paid: false, at: now, minor: asked.minor });
                let mut happened = vec![Happened::ChargeFailed];
                happened.extend(self.rest_because(PauseReason::SecurityChallenge, now));
                happened
            }
        }
    }

    /// The money for the period of this date was taken, less some credit, or there was none to take.
    fn charged(
        &mut self,
        slot: i64,
        minor: i64,
        credit: i64,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Vec<Happened> {
        debug_assert!(slot >= 0, "upgrades are settled apart");
        self.progress.credit = (self.progress.credit - credit).max(0);
        self.progress.paid_cycles += 1;
        self.progress.slot += 1;
        self.progress.left_out.clear();
        self.progress.declines = 0;
        self.progress.bill_now = false;
        self.progress.last_payment = Some(LastPayment { paid: true, at: now, minor });
        for discount in self.terms.discounts.iter_mut().filter(|discount| discount.applies()) {
            discount.used += 1;
        }
        self.terms.lines.retain(|line| !line.one_time);
        self.updated_at = now;
        let due = due.or(self.next_billing()).unwrap_or(now);
        let next = self.terms.schedule.as_ref().and_then(|schedule| schedule.after(due));
        self.progress.paid_until = next;
        self.progress.billed_at = Some(due);
        let mut happened = vec![Happened::Charged];
        happened.extend(self.gain_access());
        // It may have been paused, resumed or ended while the provider was asked: the money was taken all the same,
        // and what was paid may be used. A resumed one may have been put farther ahead than one period.
        let was_paused = match &mut self.life {
            Life::Active(active) => {
                active.next = next.max(active.next.filter(|_| next.is_some()));
                active.dunning = None;
                false
            }
            Life::Paused(paused) => {
                paused.next = next.max(paused.next.filter(|_| next.is_some()));
                paused.missed = false;
                true
            }
            Life::Cancelled(cancelled) => {
                // Taken up again, it is not billed once more for the period that was paid just now.
                cancelled.next = cancelled.next.and(next);
                return happened;
            }
            Life::Expired(_) | Life::Failed(_) => return happened,
        };
        if self.has_run() && !was_paused {
            happened.extend(self.expire(now));
        } else if next.is_some() {
            happened.push(Happened::NextBillingChanged);
        }
        happened
    }

    /// The period that is due could not be charged.
    fn not_charged(&mut self, minor: i64, policy: &DunningPolicy, now: Timestamp) -> Vec<Happened> {
        self.progress.last_payment = Some(LastPayment { paid: false, at: now, minor });
        self.progress.bill_now = false;
        let mut happened = vec![Happened::ChargeFailed];
        let Life::Active(active) = &mut self.life else {
            return happened;
        };
        let tries = active.dunning.as_ref().map_or(0, |dunning| dunning.tries) + 1;
        if tries <= policy.retries {
            let next_try = now.plus_micros(i64::from(policy.days.max(1)) * MICROS_PER_DAY);
            active.dunning = Some(Dunning { tries, next_try });
            return happened;
        }
        active.dunning = None;
        happened.extend(match policy.outcome {
            DunningOutcome::Cancel => self.end_by_dunning(now),
            DunningOutcome::Pause => self.rest_because(PauseReason::Dunning, now),
            DunningOutcome::Skip => self.leave_out(now),
        });
        happened
    }

    fn end_by_dunning(&mut self, now: Timestamp) -> Vec<Happened> {
        let Life::Active(active) = &mut self.life else {
            return Vec::new();
        };
        active.next = None;
        self.life = Life::Cancelled(active.clone().cancel(now));
        self.notes.cancelled_at = Some(now);
        let mut happened = vec![Happened::Cancelled];
        happened.extend(self.lose_what_is_not_paid(now));
        happened
    }

    fn rest_because(&mut self, reason: PauseReason, now: Timestamp) -> Vec<Happened> {
        let Life::Active(active) = &mut self.life else {
            return Vec::new();
        };
        active.dunning = None;
        let mut paused = active.clone().pause(now, reason, None);
        // Its date has come; resuming bills the period that could not be.
        paused.missed = true;
        self.life = Life::Paused(paused);
        self.notes.paused_at = Some(now);
        self.progress.slot += 1;
        self.progress.declines = 0;
        let mut happened = vec![Happened::Paused];
        happened.extend(self.lose_what_is_not_paid(now));
        happened
    }

    /// Leaves out the period that is next.
    pub(super) fn leave_out(&mut self, now: Timestamp) -> Vec<Happened> {
        let schedule = self.terms.schedule.as_ref();
        let Life::Active(active) = &mut self.life else {
            return Vec::new();
        };
        let Some((schedule, next)) = schedule.zip(active.next) else {
            return Vec::new();
        };
        active.next = schedule.after(next);
        active.dunning = None;
        let (slot, declines) = (self.progress.slot, std::mem::take(&mut self.progress.declines));
        self.progress.left_out.push(LeftOut { slot, next: active.next, declines });
        self.progress.slot += 1;
        self.progress.bill_now = false;
        self.updated_at = now;
        vec![Happened::Skipped, Happened::NextBillingChanged]
    }

    /// Whether it has made all the charges that it was to make.
    pub(super) fn has_run(&self) -> bool {
        self.terms.max_cycles.is_some_and(|max| self.progress.paid_cycles >= max)
    }

    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<Happened> {
        let Life::Active(active) = &self.life else {
            return Vec::new();
        };
        self.life = Life::Expired(active.clone().expire(now));
        self.change = None;
        let mut happened = vec![Happened::Expired];
        happened.extend(self.lose_what_is_not_paid(now));
        happened
    }

    /// Takes the use away at once if nothing that was paid is left. Otherwise that comes when it has run out.
    pub(super) fn lose_what_is_not_paid(&mut self, now: Timestamp) -> Vec<Happened> {
        if self.progress.paid_until.is_some_and(|until| until > now) {
            Vec::new()
        } else {
            self.lose_access(now)
        }
    }

    fn settle_upgrade(&mut self, minor: i64, outcome: &Outcome, now: Timestamp) -> Vec<Happened> {
        let upgrade = match self.change.take() {
            Some(Change::Upgrade(upgrade)) => upgrade,
            // The contract has ended meanwhile; what became of the charge is told all the same.
            other => {
                self.change = other;
                let paid = *outcome == Outcome::Paid;
                self.progress.last_payment = Some(LastPayment { paid, at: now, minor });
                return vec![if paid { Happened::Charged } else { Happened::ChargeFailed }];
            }
        };
        let paid = *outcome == Outcome::Paid;
        self.progress.last_payment = Some(LastPayment { paid, at: now, minor });
        if paid {
            // Refusals of the period that is due stay counted: their keys are used up.
            return vec![Happened::Charged];
        }
        self.undo_upgrade(*upgrade);
        vec![Happened::ChargeFailed, Happened::PlanChanged]
    }
}

impl Contract {
    /// Whether a charge of it can ever be due.
    pub fn is_billed(&self) -> bool {
        self.kind != ContractKind::Free && matches!(self.life, Life::Active(_) | Life::Paused(Paused { .. }))
    }
}
