//! What a contract counts for in the figures of its environment. docs/dashboard.md says it in words.

use super::schedule::{Period, PeriodUnit};
use super::terms::{Terms, share};
use super::{Active, Contract, ContractKind, ContractStatus, Life};

/// What a contract counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is recurring and runs, in its trial and while a charge is tried again too.
    pub active: bool,
    /// What it brings in a month, in minor units of its currency; 0 if it does not run or nothing was paid in
    /// its trial yet.
    pub monthly: i64,
    /// Whether a charge of it failed and is tried again.
    pub retrying: bool,
    /// The day on which it ended, if it is recurring and has: days since 1970-01-01, UTC.
    pub ended_on: Option<i64>,
}

impl Contract {
    /// What it counts for as it is.
    pub fn standing(&self) -> Standing {
        let retrying = matches!(self.life, Life::Active(Active { dunning: Some(_), .. }));
        if self.kind != ContractKind::Recurring {
            return Standing { retrying, ..Standing::default() };
        }
        let active = self.status() == ContractStatus::Active;
        let unpaid_trial = self.progress.trial_ends_at.is_some() && self.progress.paid_cycles == 0;
        let monthly = if active && !unpaid_trial { self.terms.monthly() } else { 0 };
        let ended_at = match &self.life {
            Life::Active(_) | Life::Paused(_) => None,
            Life::Cancelled(cancelled) => Some(cancelled.at),
            Life::Expired(expired) => Some(expired.at),
            Life::Failed(failed) => Some(failed.at),
        };
        Standing { active, monthly, retrying, ended_on: ended_at.map(|at| at.day()) }
    }
}

impl Terms {
    /// What is charged in a month when nothing passing is looked at: lines that are billed again and again, less
    /// discounts that never end, and delivery, spread over the months of the period. 0 without a period.
    pub fn monthly(&self) -> i64 {
        let Some(period) = self.period() else { return 0 };
        let lines = || self.lines.iter().filter(|line| !line.one_time);
        let subtotal = lines().fold(0_i64, |sum, line| sum.saturating_add(line.minor()));
        let items = lines().map(|line| i64::from(line.quantity)).sum();
        let lasting = self.discounts.iter().filter(|discount| discount.limit.is_none());
        let left = lasting.fold(subtotal, |left, discount| left - discount.value.off(left, items));
        let (periods, months) = in_months(period);
        share(left.saturating_add(self.delivery_minor), periods, months)
    }
}

/// So many of a period make so many months: a year has 12 months, 365 days, and 365/7 weeks.
fn in_months(period: Period) -> (i64, i64) {
    let count = i64::from(period.count);
    match period.unit {
        PeriodUnit::Day => (365, 12 * count),
        PeriodUnit::Week => (365, 7 * 12 * count),
        PeriodUnit::Month => (1, count),
        PeriodUnit::Year => (1, 12 * count),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, contract, item};
    use super::*;
    use crate::contract::{Discount, DiscountValue, Due, DunningPolicy, Outcome};

    fn terms_of(unit: PeriodUnit, count: u32, minor: i64) -> Terms {
        let start = at("2027-01-31T12:00:00Z");
        let mut terms = contract(start, start).terms;
        terms.lines[0].item = item(1, minor, None);
        terms.lines[0].quantity = 1;
        terms.schedule.as_mut().expect("a schedule").period = Period { unit, count };
        terms
    }

    fn discount(value: DiscountValue, limit: Option<u32>) -> Discount {
        Discount { id: "d".into(), title: "D".into(), value, limit, used: 0, by_code: false }
    }

    #[test]
    fn every_period_is_told_by_the_month() {
        for (unit, count, minor, monthly) in [
            (PeriodUnit::Month, 1, 2_000, 2_000),
            (PeriodUnit::Month, 3, 2_000, 667),
            (PeriodUnit::Year, 1, 19_000, 1_583),
            (PeriodUnit::Year, 2, 24_000, 1_000),
            (PeriodUnit::Week, 1, 700, 3_042),
            (PeriodUnit::Week, 4, 2_800, 3_042),
            (PeriodUnit::Day, 1, 100, 3_042),
            (PeriodUnit::Day, 365, 12_000, 1_000),
        ] {
            assert_eq!(terms_of(unit, count, minor).monthly(), monthly, "{unit:?} {count}");
        }
    }

    #[test]
    fn only_what_comes_again_counts() {
        let mut terms = terms_of(PeriodUnit::Month, 1, 2_000);
        terms.delivery_minor = 300;
        terms.discounts = vec![
            discount(DiscountValue::Percentage(50), Some(3)),
            discount(DiscountValue::Percentage(10), None),
            discount(DiscountValue::Fixed(100), None),
        ];
        let mut once = terms.lines[0].clone();
        (once.number, once.one_time) = (2, true);
        terms.lines.push(once);
        assert_eq!(terms.monthly(), 2_000 - 200 - 100 + 300);
        terms.discounts.push(discount(DiscountValue::Fixed(5_000), None));
        assert_eq!(terms.monthly(), 300, "nothing is reduced below nothing");
    }

    #[test]
    fn a_trial_runs_and_brings_nothing_until_it_is_paid() {
        let start = at("2027-01-31T12:00:00Z");
        let mut contract = contract(start, start);
        contract.progress.trial_ends_at = Some(start);
        let standing = contract.standing();
        assert_eq!((standing.active, standing.monthly), (true, 0));
        let Due::Charge(charge) = contract.begin(start) else { panic!("a charge is due") };
        contract.settle(&charge.key, &Outcome::Declined, &DunningPolicy::default(), start);
        assert!(contract.standing().retrying);
        contract.bill_now(start).expect("it is tried again");
        let Due::Charge(charge) = contract.begin(start) else { panic!("a charge is due") };
        contract.settle(&charge.key, &Outcome::Paid, &DunningPolicy::default(), start);
        let standing = contract.standing();
        assert_eq!((standing.monthly, standing.retrying), (contract.terms.monthly(), false));
        assert!(standing.monthly > 0);
        contract.cancel(None, None, start).expect("it ends");
        let ended = Standing { ended_on: Some(start.day()), ..Standing::default() };
        assert_eq!(contract.standing(), ended);
        contract.resume(start).expect("it is taken up again");
        assert_eq!(contract.standing(), standing);
    }
}
