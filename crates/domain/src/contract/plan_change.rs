//! Changing what a line is for: at once or with the next period, with the difference charged or given back.

use super::change::Outcome;
use super::document::{maybe_micros, micros};
use super::life::Life;
use super::schedule::{Period, Schedule};
use super::terms::{Item, Line, share};
use super::{Contract, Happened};
use crate::Code;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A change of plan that waits for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// Cheaper from the next period on.
    Downgrade(Downgrade),
    /// Dearer at once; undone if the difference cannot be charged.
    Upgrade(Box<Upgrade>),
}

/// A cheaper plan from the next period on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Downgrade {
    /// The line.
    pub line: i64,
    /// What it will be for.
    pub to: Item,
    /// When it was asked for.
    #[serde(with = "micros")]
    pub at: Timestamp,
}

/// A dearer plan whose difference is being charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// The line.
    pub line: i64,
    /// What it was for.
    pub from: Item,
    /// The difference for what is left of the period, in minor units.
    pub minor: i64,
    /// When it was asked for.
    #[serde(with = "micros")]
    pub at: Timestamp,
    /// The schedule as it was, if that changed too.
    pub schedule: Option<Schedule>,
    /// When it was to be billed next, if that changed too.
    #[serde(with = "maybe_micros")]
    pub next: Option<Timestamp>,
}

/// How a plan is changed.
#[derive(Clone, Debug)]
pub struct PlanChange {
    /// The line's number.
    pub line: i64,
    /// What it is to be for.
    pub to: Item,
    /// Neither charge nor credit.
    pub skip_billing: bool,
    /// Whether a cheaper plan begins at once, with credit for what was paid. Otherwise it begins with the next
    /// period.
    pub prorate_downgrade: bool,
}

impl Contract {
    /// Makes a line be for something else. Dearer: at once, and the difference for what is left of the period is
    /// charged; if that fails, all is as it was. Cheaper: with the next period, or at once with credit. Before
    /// anything was paid, and with `skip_billing`: at once, and nothing else.
    ///
    /// # Errors
    /// `LineNotFound`; `SameVariant`; `ChangePending`; `ContractNotActive`; `NotBilled`; `ChargeUnderWay`.
    pub fn change_plan(&mut self, change: PlanChange, now: Timestamp) -> Outcome {
        self.check_billable()?;
        let line = self.line(change.line)?.clone();
        if line.item.variant == change.to.variant {
            return Err(Code::SameVariant.into());
        }
        if self.change.is_some() {
            return Err(Code::ChangePending.into());
        }
        let Life::Active(active) = &self.life else {
            return Err(Code::ContractNotActive.into());
        };
        let next = active.next;
        self.updated_at = now;
        let paid = self.progress.paid_until.filter(|until| *until > now && self.progress.paid_cycles > 0);
        let (Some(_), false) = (paid, change.skip_billing) else {
            self.put_on_line(change.line, change.to);
            return Ok(vec![Happened::PlanChanged]);
        };
        let is_cheaper = per_day(&change.to, self.terms.period()) < per_day(&line.item, self.terms.period());
        if is_cheaper && !change.prorate_downgrade {
            self.change = Some(Change::Downgrade(Downgrade { line: change.line, to: change.to, at: now }));
            return Ok(vec![Happened::Updated]);
        }
        let difference = self.difference(&line, &change.to, now);
        let schedule = self.terms.schedule.clone();
        self.put_on_line(change.line, change.to);
        let period_changed = self.terms.schedule != schedule;
        if period_changed {
            self.begin_schedule_anew(now);
        }
        if difference < 0 {
            self.progress.credit = self.progress.credit.saturating_add(-difference);
        }
        if difference > 0 {
            self.progress.upgrades += 1;
            let (schedule, next) = if period_changed { (schedule, next) } else { (None, None) };
            let upgrade =
                Upgrade { line: change.line, from: line.item, minor: difference, at: now, schedule, next };
            self.change = Some(Change::Upgrade(Box::new(upgrade)));
        }
        let moved = period_changed.then_some(Happened::NextBillingChanged);
        Ok([Happened::PlanChanged].into_iter().chain(moved).collect())
    }

    /// What a change costs for what is left of the period; below zero what it gives back. If the new one is due
    /// in other periods, a new period begins: it is paid in full, less what is left of the old one.
    fn difference(&self, line: &Line, to: &Item, now: Timestamp) -> i64 {
        let end = self.progress.paid_until.unwrap_or(now);
        let start = self.progress.billed_at.unwrap_or(self.created_at).min(end);
        let (left, whole) = (end.micros() - now.micros(), (end.micros() - start.micros()).max(1));
        let quantity = i64::from(line.quantity);
        let (old, new) = (line.minor(), to.unit_minor.saturating_mul(quantity));
        if to.period.is_some() && to.period != self.terms.period() {
            return new - share(old, left, whole);
        }
        share(new - old, left, whole)
    }

    fn begin_schedule_anew(&mut self, now: Timestamp) {
        let Some(schedule) = &mut self.terms.schedule else {
            return;
        };
        schedule.anchor = now;
        let next = schedule.after(now);
        self.progress.billed_at = Some(now);
        self.progress.paid_until = next;
        self.move_next(next);
    }

    /// Makes a line be for this; the contract is billed as often as that is due.
    pub(super) fn put_on_line(&mut self, number: i64, item: Item) {
        let next = self.next_billing();
        self.progress.left_out.clear();
        if let (Some(period), Some(schedule)) = (item.period, &mut self.terms.schedule)
            && schedule.period != period
        {
            // Counted from the date that is next: from the old anchor, the first year could last a few months.
            schedule.period = period;
            schedule.anchor = next.unwrap_or(schedule.anchor);
        }
        if let Some(line) = self.terms.lines.iter_mut().find(|line| line.number == number) {
            line.item = item;
        }
    }

    pub(super) fn undo_upgrade(&mut self, upgrade: Upgrade) {
        if let Some(line) = self.terms.lines.iter_mut().find(|line| line.number == upgrade.line) {
            line.item = upgrade.from;
        }
        if let Some(schedule) = upgrade.schedule {
            self.terms.schedule = Some(schedule);
            self.progress.paid_until = upgrade.next;
            self.move_next(upgrade.next);
        }
    }

    /// Forgets the change that was to come with the next period.
    ///
    /// # Errors
    /// `NoChangePending`.
    pub fn forget_downgrade(&mut self, now: Timestamp) -> Outcome {
        if !matches!(self.change, Some(Change::Downgrade(_))) {
            return Err(Code::NoChangePending.into());
        }
        self.change = None;
        self.updated_at = now;
        Ok(vec![Happened::Updated])
    }

    /// A line whose change waits for something stays as it is.
    pub(super) fn check_unchanging(&self, line: i64) -> Result<(), Refusal> {
        let changing = match &self.change {
            Some(Change::Downgrade(change)) => change.line == line,
            Some(Change::Upgrade(change)) => change.line == line,
            None => false,
        };
        if changing { Err(Code::ChangePending.into()) } else { Ok(()) }
    }
}

/// What one costs a day, in millionths of a minor unit: to tell a dearer plan from a cheaper one.
fn per_day(item: &Item, billed: Option<Period>) -> i128 {
    let period = item.period.or(billed);
    let days = period.map_or(1, Period::about_days).max(1);
    i128::from(item.unit_minor) * 1_000_000 / i128::from(days)
}
