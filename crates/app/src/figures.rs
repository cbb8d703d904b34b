//! How the business of an environment stands, and how it came there: contracts, recurring revenue, churn,
//! charges. Counters only, which `contracts::unit` keeps in step; nothing here scans contracts.
//!
//! What each figure means is in docs/dashboard.md.

use crate::auth::Access;
use crate::contracts::Tally;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::{EnvironmentId, Timestamp};
use guildhall_store::{DayFigures, Totals, Tx};

/// Days that churn and failed charges are told for.
pub const RECENT_DAYS: i64 = 30;
/// Contracts that one unit of work brings into the figures.
const BROUGHT_IN: i64 = 50;

/// How an environment's contracts stand. Series have a value for each of the last days, today last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Today by the environment's clock, in days since 1970-01-01, UTC.
    pub today: i64,
    /// Recurring contracts that run.
    pub active: i64,
    /// How many there were at the end of each day.
    pub active_by_day: Vec<i64>,
    /// Contracts whose charge failed and is tried again.
    pub retrying: i64,
    /// Recurring contracts that ended in the last [`RECENT_DAYS`] days.
    pub ended: i64,
    /// Recurring contracts that ran right before those days.
    pub active_before: i64,
    /// Charges that failed in those days.
    pub failed: i64,
    /// Charges that failed on each day.
    pub failed_by_day: Vec<i64>,
    /// Money, apart for each currency, the one that most contracts are in first.
    pub monies: Vec<MoneyFigures>,
}

/// What contracts of one currency bring, in its minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyFigures {
    /// Lower-case ISO 4217 code.
    pub currency: String,
    /// Recurring contracts that run.
    pub active: i64,
    /// Monthly recurring revenue.
    pub monthly: i64,
    /// What it was at the end of each day.
    pub monthly_by_day: Vec<i64>,
    /// Money that was taken on each day.
    pub collected_by_day: Vec<i64>,
}

impl Figures {
    /// Of a hundred contracts that ran right before the last [`RECENT_DAYS`] days, how many ended in them, in
    /// tenths; nothing if there were none.
    pub fn churn_tenths(&self) -> Option<i64> {
        (self.active_before > 0).then(|| (self.ended * 2_000 + self.active_before) / (2 * self.active_before))
    }

    fn of(totals: &[Totals], days: &[DayFigures], today: i64, length: usize) -> Self {
        let mut monies: Vec<_> =
            totals.iter().map(|total| MoneyFigures::of(total, days, today, length)).collect();
        monies.sort_by_key(|money| std::cmp::Reverse(money.active));
        let recent = || days.iter().filter(|found| found.day > today - RECENT_DAYS);
        let active = totals.iter().map(|total| total.totals.active).sum();
        Self {
            today,
            active,
            active_by_day: levels(
                active,
                days.iter().map(|found| (found.day, found.change.active)),
                today,
                length,
            ),
            retrying: totals.iter().map(|total| total.totals.retrying).sum(),
            ended: recent().map(|found| found.change.ended).sum(),
            active_before: active - recent().map(|found| found.change.active).sum::<i64>(),
            failed: recent().map(|found| found.change.failed).sum(),
            failed_by_day: by_day(days.iter().map(|found| (found.day, found.change.failed)), today, length),
            monies,
        }
    }
}

impl MoneyFigures {
    fn of(total: &Totals, days: &[DayFigures], today: i64, length: usize) -> Self {
        let own = || days.iter().filter(|found| found.currency == total.currency);
        let monthly = own().map(|found| (found.day, found.change.monthly));
        let collected = own().map(|found| (found.day, found.change.collected));
        Self {
            currency: total.currency.clone(),
            active: total.totals.active,
            monthly: total.totals.monthly,
            monthly_by_day: levels(total.totals.monthly, monthly, today, length),
            collected_by_day: by_day(collected, today, length),
        }
    }
}

/// What happened on each of the last days. What a clock that was moved ahead and released has left behind in
/// days to come counts as today's.
pub(crate) fn by_day(changes: impl Iterator<Item = (i64, i64)>, today: i64, length: usize) -> Vec<i64> {
    let mut series = vec![0; length];
    for (day, change) in changes {
        let ago = usize::try_from((today - day).max(0)).unwrap_or(usize::MAX);
        if let Some(place) = length.checked_sub(ago.saturating_add(1)) {
            series[place] += change;
        }
    }
    series
}

/// How high something stood at the end of each of the last days, from how it stands now and how it changed.
fn levels(now: i64, changes: impl Iterator<Item = (i64, i64)>, today: i64, length: usize) -> Vec<i64> {
    let mut series = by_day(changes, today, length);
    let mut level = now;
    for place in series.iter_mut().rev() {
        level -= std::mem::replace(place, level);
    }
    series
}

impl Guildhall {
    /// How the environment's contracts stand, with the last so many days, 1 to 366.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn figures(&self, access: &Access<'_>, days: i64) -> Result<Figures, AppError> {
        let (environment, now) = (access.environment(), self.now());
        let days = days.clamp(1, 366);
        let read = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let today = today(tx, environment, now).await?;
                let first = today - days.max(RECENT_DAYS) + 1;
                let totals = tx.figures().totals(environment).await?;
                let changes = tx.figures().since(environment, first).await?;
                Ok(Figures::of(&totals, &changes, today, usize::try_from(days).unwrap_or(1)))
            })
        });
        read.await
    }

    /// Members made on each of the last so many days, 1 to 366, by the real time, today last.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn sign_ups(&self, access: &Access<'_>, days: i64) -> Result<Vec<i64>, AppError> {
        let (environment, today) = (access.environment(), self.now().day());
        let days = days.clamp(1, 366);
        let read = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.sign_ups().since(environment, today - days + 1).await?) })
        });
        // Members that were brought along can have been made later than today by this clock; they are left out.
        let made = read.await?.into_iter().filter(|(day, _)| *day <= today);
        Ok(by_day(made, today, usize::try_from(days).unwrap_or(1)))
    }

    /// Brings contracts into the figures that were made by a version that had none. Each is brought in once,
    /// however many nodes do this at a time; a contract that is changed meanwhile has been. Tells how many there
    /// were.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`: the rest is left for the next time.
    pub async fn count_contracts(&self) -> Result<u64, AppError> {
        let (mut brought_in, mut after) = (0, 0);
        loop {
            let unit = self.store().write::<_, AppError, _>(move |tx| Box::pin(bring_in(tx, after)));
            let (counted, last) = unit.await?;
            brought_in += counted;
            match last {
                Some(last) => after = last,
                None => return Ok(brought_in),
            }
        }
    }
}

/// The day by an environment's clock.
async fn today(tx: &mut Tx, environment: EnvironmentId, now: Timestamp) -> Result<i64, AppError> {
    Ok(tx.clocks().find(environment).await?.at.unwrap_or(now).day())
}

/// Brings in the next contracts above a number; tells how many were, and the last that was looked at.
async fn bring_in(tx: &mut Tx, after: i64) -> Result<(u64, Option<i64>), AppError> {
    let unknown = tx.contracts().uncounted(after, BROUGHT_IN).await?;
    let mut counted = 0;
    let mut tallies: Vec<(EnvironmentId, Tally)> = Vec::new();
    for (number, environment) in &unknown {
        // Changed or deleted while it was waited for.
        let held = tx.contracts().find_locked(*environment, *number).await?;
        let Some(held) = held.filter(|held| !held.counted) else { continue };
        let place = tallies.iter().position(|(known, _)| known == environment).unwrap_or_else(|| {
            tallies.push((*environment, Tally::default()));
            tallies.len() - 1
        });
        tallies[place].1.bring_in(&held.contract);
        tx.contracts().note_counted(*number).await?;
        counted += 1;
    }
    tallies.sort_by_key(|(environment, _)| *environment);
    for (environment, tally) in tallies {
        tally.store(tx, environment).await?;
    }
    Ok((counted, unknown.last().map(|(number, _)| *number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_worked_out_backwards_from_now() {
        let changes = [(95, 7), (98, 2), (100, -1)];
        assert_eq!(levels(10, changes.into_iter(), 100, 4), [9, 11, 11, 10]);
        assert_eq!(levels(10, [].into_iter(), 100, 2), [10, 10]);
        // A clock that was moved ahead and let go: what is to come is as good as today's.
        assert_eq!(levels(10, [(200, 4), (99, 1)].into_iter(), 100, 3), [5, 6, 10]);
    }

    #[test]
    fn days_that_are_too_old_are_left_out() {
        assert_eq!(by_day([(90, 1), (97, 2), (100, 3), (101, 4)].into_iter(), 100, 4), [2, 0, 0, 7]);
        assert_eq!(by_day([(i64::MIN / 2, 1)].into_iter(), 100, 1), [0]);
    }

    #[test]
    fn churn_is_told_in_tenths_of_a_percent() {
        let mut figures = Figures::of(&[], &[], 100, 1);
        assert_eq!(figures.churn_tenths(), None);
        (figures.ended, figures.active_before) = (1, 3);
        assert_eq!(figures.churn_tenths(), Some(333));
        (figures.ended, figures.active_before) = (1, 16);
        assert_eq!(figures.churn_tenths(), Some(63));
    }
}
