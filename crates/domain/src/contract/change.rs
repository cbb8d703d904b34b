//! What may be done with a contract, and what comes of it.
//!
//! Every function either does all of what it says and tells what happened, or refuses with a code and leaves
//! the contract as it was.

use super::life::{Active, Life, PauseReason, Paused};
use super::plan_change::Change;
use super::schedule::Period;
use super::terms::{Discount, Item, Line, Terms};
use super::{Contract, ContractKind, Happened, Notes, Progress};
use crate::Code;
use crate::ids::ContractId;
use crate::member_id::MemberKey;
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// The most lines of one contract.
pub const LINES_MAX: usize = 100;
/// The most discounts of one contract.
pub const DISCOUNTS_MAX: usize = 50;

/// A contract that is to be.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `con_…`
    pub id: ContractId,
    /// Who will hold it.
    pub holder: MemberKey,
    /// How it is held; not for nothing.
    pub kind: ContractKind,
    /// What is billed, and how often.
    pub terms: Terms,
    /// When it is billed first.
    pub next: Timestamp,
    /// When its trial ends, if it has one.
    pub trial_ends_at: Option<Timestamp>,
    /// Whether it is made paused.
    pub paused: bool,
    /// What people have written about it.
    pub notes: Notes,
}

pub(super) type Outcome = Result<Vec<Happened>, Refusal>;

impl Contract {
    /// Makes a contract that is billed.
    ///
    /// # Errors
    /// `NextBillingPast` if it is to be billed before it exists.
    pub fn create(draft: Draft, now: Timestamp) -> Result<Self, Refusal> {
        let Draft { id, holder, kind, terms, next, trial_ends_at, paused, mut notes } = draft;
        if next < now {
            return Err(Code::NextBillingPast.into());
        }
        let life = if paused {
            notes.paused_at = Some(now);
            Life::Paused(Paused::begin(now, Some(next)))
        } else {
            notes.activated_at = Some(now);
            Life::Active(Active::begin(now, Some(next)))
        };
        let progress = Progress {
            access: !paused,
            paid_until: trial_ends_at.filter(|end| *end > now && !paused),
            trial_ends_at,
            ..Progress::default()
        };
        let (created_at, updated_at) = (now, now);
        let change = None;
        Ok(Self { number: 0, id, holder, kind, created_at, updated_at, life, terms, progress, change, notes })
    }

    /// Rests. A contract that does is left as it is.
    ///
    /// # Errors
    /// `ContractEnded`; `NotBilled` for what costs nothing.
    pub fn pause(&mut self, resume_at: Option<Timestamp>, now: Timestamp) -> Outcome {
        match &self.life {
            Life::Paused(_) => Ok(Vec::new()),
            Life::Active(_) if self.kind == ContractKind::Free => Err(Code::NotBilled.into()),
            Life::Active(active) => {
                let missed = active.dunning.is_some();
                let mut paused = active.clone().pause(now, PauseReason::Asked, resume_at);
                if missed {
                    // The period that could not be charged is over with.
                    paused.missed = true;
                    self.progress.slot += 1;
                    self.progress.declines = 0;
                }
                self.life = Life::Paused(paused);
                self.notes.paused_at = Some(now);
                self.updated_at = now;
                self.progress.bill_now = false;
                let mut happened = vec![Happened::Paused];
                happened.extend(self.lose_what_is_not_paid(now));
                Ok(happened)
            }
            _ => Err(Code::ContractEnded.into()),
        }
    }

    /// Runs again. If its date has passed, whole periods are added until it lies ahead (Appstle C.8); what could
    /// not be charged is due at once. A contract that runs is left as it is.
    ///
    /// # Errors
    /// `ContractEnded`.
    pub fn resume(&mut self, now: Timestamp) -> Outcome {
        match &self.life {
            Life::Active(_) => Ok(Vec::new()),
            Life::Paused(paused) => {
                let unpaid = paused.missed && paused.reason != PauseReason::Asked;
                let next = match paused.next {
                    Some(_) if unpaid => Some(now),
                    Some(next) if next > now => Some(next),
                    Some(next) => self.terms.schedule.as_ref().map_or(Some(next.max(now)), |s| s.after(now)),
                    None => None,
                };
                self.life = Life::Active(paused.clone().resume(now, next));
                self.updated_at = now;
                if self.has_run() {
                    return Ok(self.expire(now));
                }
                self.notes.activated_at = Some(now);
                let mut happened = vec![Happened::Activated];
                happened.extend(self.gain_access());
                Ok(happened)
            }
            Life::Cancelled(_) => self.reactivate(now),
            Life::Expired(_) | Life::Failed(_) => Err(Code::ContractEnded.into()),
        }
    }

    /// Takes a cancelled contract up again, as long as the date it would have been billed on lies ahead.
    fn reactivate(&mut self, now: Timestamp) -> Outcome {
        let Life::Cancelled(cancelled) = &self.life else {
            return Ok(Vec::new());
        };
        if self.has_run() {
            return Err(Code::ContractEnded.into());
        }
        let active = cancelled.clone().reactivate(now).map_err(|_| Refusal::from(Code::ContractEnded))?;
        self.life = Life::Active(active);
        self.notes.activated_at = Some(now);
        self.notes.cancellation_feedback = None;
        self.notes.cancellation_note = None;
        self.updated_at = now;
        let mut happened = vec![Happened::Activated];
        happened.extend(self.gain_access());
        Ok(happened)
    }

    /// Ends it. What was paid may be used to its end. A contract that was cancelled is left as it is.
    ///
    /// # Errors
    /// `MinCyclesNotReached` while successful charges + 1 are fewer than its least cycles, its trial apart
    /// (Appstle C.8); `ContractEnded` if it has ended otherwise.
    pub fn cancel(&mut self, feedback: Option<String>, note: Option<String>, now: Timestamp) -> Outcome {
        if let Some(min) = self.terms.min_cycles
            && self.status().is_live()
            && !self.in_trial(now)
            && self.progress.paid_cycles + 1 < min
        {
            let message =
                format!("This contract cannot be cancelled before {min} billing cycles are complete.");
            return Err(Refusal::because(Code::MinCyclesNotReached, message));
        }
        let cancelled = match &self.life {
            Life::Cancelled(_) => return Ok(Vec::new()),
            Life::Active(active) => active.clone().cancel(now),
            Life::Paused(paused) => paused.clone().cancel(now),
            Life::Expired(_) | Life::Failed(_) => return Err(Code::ContractEnded.into()),
        };
        self.life = Life::Cancelled(cancelled);
        self.change = self.change.take().filter(|change| matches!(change, Change::Upgrade(_)));
        self.notes.cancelled_at = Some(now);
        self.notes.cancellation_feedback = feedback;
        self.notes.cancellation_note = note;
        self.progress.bill_now = false;
        self.updated_at = now;
        let mut happened = vec![Happened::Cancelled];
        happened.extend(self.lose_what_is_not_paid(now));
        Ok(happened)
    }

    /// Bills it on another date, and every period from there on.
    ///
    /// # Errors
    /// `NextBillingPast`; `ContractNotActive`; `NotBilled`; `ChargeUnderWay`.
    pub fn set_next_billing(&mut self, at: Timestamp, now: Timestamp) -> Outcome {
        self.check_billable()?;
        if at <= now {
            return Err(Code::NextBillingPast.into());
        }
        let Life::Active(active) = &mut self.life else {
            return Err(Code::ContractNotActive.into());
        };
        active.next = Some(at);
        active.dunning = None;
        self.progress.left_out.clear();
        if let Some(schedule) = &mut self.terms.schedule {
            schedule.anchor = at;
        }
        self.progress.bill_now = false;
        self.updated_at = now;
        Ok(vec![Happened::NextBillingChanged])
    }

    /// Bills it more or less often, counted from the last date it was billed on; before its first charge
    /// that date stays.
    ///
    /// # Errors
    /// `ContractEnded`; `NotBilled`; `ChargeUnderWay`.
    pub fn set_period(&mut self, period: Period, now: Timestamp) -> Outcome {
        self.check_billable()?;
        if self.terms.schedule.is_none() {
            return Err(Code::NotBilled.into());
        }
        let before = self.next_billing();
        let billed_at = self.progress.billed_at;
        let Some(schedule) = &mut self.terms.schedule else {
            return Ok(Vec::new());
        };
        schedule.period = period;
        self.progress.left_out.clear();
        let next = match billed_at {
            Some(billed_at) => {
                schedule.anchor = billed_at;
                schedule.after(now)
            }
            None => {
                schedule.anchor = before.unwrap_or(schedule.anchor);
                before
            }
        };
        self.move_next(next);
        self.updated_at = now;
        let moved = (self.next_billing() != before).then_some(Happened::NextBillingChanged);
        Ok([Happened::IntervalChanged].into_iter().chain(moved).collect())
    }

    pub(super) fn move_next(&mut self, next: Option<Timestamp>) {
        match &mut self.life {
            Life::Active(active) if active.dunning.is_none() => active.next = next,
            Life::Paused(paused) => {
                paused.next = next;
                paused.missed = false;
            }
            _ => {}
        }
    }

    /// How many successful charges there must be before it may be cancelled.
    ///
    /// # Errors
    /// `ContractEnded`; `NotBilled`.
    pub fn set_min_cycles(&mut self, min: Option<u32>, now: Timestamp) -> Outcome {
        self.check_live()?;
        self.terms.min_cycles = min;
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// After how many successful charges it has run its term. If it has made so many already, it expires at
    /// once (Appstle C.8).
    ///
    /// # Errors
    /// `ContractEnded`; `NotBilled`.
    pub fn set_max_cycles(&mut self, max: Option<u32>, now: Timestamp) -> Outcome {
        self.check_live()?;
        self.terms.max_cycles = max;
        self.updated_at = now;
        let expired = if self.has_run() { self.expire(now) } else { Vec::new() };
        Ok(if expired.is_empty() { vec![Happened::Updated] } else { expired })
    }

    /// Shown, and nothing else.
    ///
    /// # Errors
    /// `ContractEnded`; `NotBilled`.
    pub fn set_delivery(&mut self, delivery: Period, now: Timestamp) -> Outcome {
        self.check_live()?;
        self.terms.delivery = Some(delivery);
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// Adds a line; tells its number.
    ///
    /// # Errors
    /// `ContractEnded`; `NotBilled`; `ChargeUnderWay`; `TooManyLines`.
    pub fn add_line(
        &mut self,
        item: Item,
        quantity: u32,
        one_time: bool,
        now: Timestamp,
    ) -> Result<i64, Refusal> {
        self.check_billable()?;
        if self.terms.lines.len() >= LINES_MAX {
            return Err(Code::TooManyLines.into());
        }
        self.terms.last_line += 1;
        let number = self.terms.last_line;
        self.terms.lines.push(Line { number, item, quantity, one_time, attributes: Vec::new() });
        self.updated_at = now;
        Ok(number)
    }

    /// Takes a line away.
    ///
    /// # Errors
    /// `LineNotFound`; `LastLine` if nothing would be left to bill; `ContractEnded`; `NotBilled`;
    /// `ChargeUnderWay`; `ChangePending` while a change of it waits.
    pub fn remove_line(&mut self, number: i64, now: Timestamp) -> Outcome {
        self.check_billable()?;
        let line = self.line(number)?;
        if !line.one_time && self.terms.lines.iter().filter(|line| !line.one_time).count() == 1 {
            return Err(Code::LastLine.into());
        }
        self.check_unchanging(number)?;
        self.terms.lines.retain(|line| line.number != number);
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// Changes how many of a line there are, and what one costs.
    ///
    /// # Errors
    /// `LineNotFound`; `ContractEnded`; `NotBilled`; `ChargeUnderWay`; `ChangePending`.
    pub fn update_line(
        &mut self,
        number: i64,
        quantity: Option<u32>,
        unit_minor: Option<i64>,
        selling_plan_name: Option<String>,
        now: Timestamp,
    ) -> Outcome {
        self.check_billable()?;
        self.line(number)?;
        self.check_unchanging(number)?;
        let line = self.terms.lines.iter_mut().find(|line| line.number == number);
        if let Some(line) = line {
            line.quantity = quantity.unwrap_or(line.quantity);
            line.item.unit_minor = unit_minor.unwrap_or(line.item.unit_minor);
            line.item.selling_plan_name = selling_plan_name.or(line.item.selling_plan_name.take());
        }
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// Grants a reduction.
    ///
    /// # Errors
    /// `DiscountExists` if one of that title was granted by code; `TooManyDiscounts`; `ContractEnded`;
    /// `NotBilled`; `ChargeUnderWay`.
    pub fn add_discount(&mut self, discount: Discount, now: Timestamp) -> Outcome {
        self.check_billable()?;
        if discount.by_code && self.terms.discounts.iter().any(|known| known.title == discount.title) {
            return Err(Code::DiscountExists.into());
        }
        if self.terms.discounts.len() >= DISCOUNTS_MAX {
            return Err(Code::TooManyDiscounts.into());
        }
        self.terms.discounts.push(discount);
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// Takes a reduction back.
    ///
    /// # Errors
    /// `DiscountNotFound`; `ContractEnded`; `NotBilled`; `ChargeUnderWay`.
    pub fn remove_discount(&mut self, id: &str, now: Timestamp) -> Outcome {
        self.check_billable()?;
        let before = self.terms.discounts.len();
        self.terms.discounts.retain(|discount| discount.id != id);
        if self.terms.discounts.len() == before {
            return Err(Code::DiscountNotFound.into());
        }
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// Leaves out the period that is next.
    ///
    /// # Errors
    /// `ContractNotActive`; `NotBilled`; `ChargeUnderWay`.
    pub fn skip(&mut self, now: Timestamp) -> Outcome {
        self.check_billable()?;
        if !matches!(self.life, Life::Active(Active { next: Some(_), .. })) {
            return Err(Code::ContractNotActive.into());
        }
        if self.terms.schedule.is_none() {
            return Err(Code::NotBilled.into());
        }
        Ok(self.leave_out(now))
    }

    /// Takes back that the last period was left out: it is next again, on `due`.
    ///
    /// # Errors
    /// `AttemptNotSkipped` if another period has come since, the dates or the plan have changed, or `due` has passed;
    /// `ContractNotActive`;
    /// `ChargeUnderWay`.
    pub fn unskip(&mut self, slot: i64, due: Timestamp, now: Timestamp) -> Outcome {
        self.check_billable()?;
        if !matches!(self.life, Life::Active(_)) {
            return Err(Code::ContractNotActive.into());
        }
        if !self.may_unskip(slot, due, now) {
            return Err(Code::AttemptNotSkipped.into());
        }
        let (Life::Active(active), Some(left_out)) = (&mut self.life, self.progress.left_out.pop()) else {
            return Err(Code::AttemptNotSkipped.into());
        };
        active.next = Some(due);
        active.dunning = None;
        self.progress.slot -= 1;
        // The keys that it has used up stay so.
        self.progress.declines = left_out.declines;
        self.updated_at = now;
        Ok(vec![Happened::NextBillingChanged])
    }

    /// Whether a period that was left out, by its number and date, can come back.
    pub fn may_unskip(&self, slot: i64, due: Timestamp, now: Timestamp) -> bool {
        let Life::Active(active) = &self.life else {
            return false;
        };
        let last = self.progress.left_out.last();
        due > now
            && slot + 1 == i64::from(self.progress.slot)
            && last.is_some_and(|last| i64::from(last.slot) == slot && last.next == active.next)
    }

    /// Charges the period that is next, or could not be charged, at once. The dates stay as they are.
    ///
    /// # Errors
    /// `ContractNotActive`; `NotBilled`; `ChargeUnderWay`.
    pub fn bill_now(&mut self, now: Timestamp) -> Outcome {
        self.check_billable()?;
        let Life::Active(active) = &mut self.life else {
            return Err(Code::ContractNotActive.into());
        };
        if active.next.is_none() {
            return Err(Code::NotBilled.into());
        }
        self.progress.bill_now = true;
        self.updated_at = now;
        Ok(Vec::new())
    }

    /// The line of this number.
    ///
    /// # Errors
    /// `LineNotFound`.
    pub fn line(&self, number: i64) -> Result<&Line, Refusal> {
        let found = self.terms.lines.iter().find(|line| line.number == number);
        found.ok_or_else(|| Code::LineNotFound.into())
    }

    fn check_live(&self) -> Result<(), Refusal> {
        if self.kind == ContractKind::Free {
            return Err(Code::NotBilled.into());
        }
        if !self.status().is_live() {
            return Err(Code::ContractEnded.into());
        }
        Ok(())
    }

    /// What is billed must not change while the provider is being asked for it.
    pub(super) fn check_billable(&self) -> Result<(), Refusal> {
        self.check_live()?;
        if self.progress.asked.is_some() {
            return Err(Code::ChargeUnderWay.into());
        }
        Ok(())
    }
}
