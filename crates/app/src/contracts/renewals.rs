//! What is billed next: the contracts in the order of their dates, what each day comes to, and what a month of the
//! calendar will bring.

use super::HeldContract;
use super::search::Cut;
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::contract::{Contract, ContractStatus};
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{EnvironmentId, Timestamp};
use guildhall_store::{BilledFilter, BilledOrder, Mark, RenewalSum, Tx, Way};
use std::collections::BTreeMap;

const DAY_US: i64 = 86_400 * MICROS_PER_SECOND;
/// Contracts whose further dates are worked out, at most; of more, only the next date of each is told.
const FORESEEN_MAX: i64 = 500;
/// Dates of one contract in a row that are looked at.
const STEPS_MAX: u32 = 1_000;

/// A page of renewals.
#[derive(Debug)]
pub struct RenewalPage {
    /// The contracts, the one that is billed next first.
    pub contracts: Vec<HeldContract>,
    /// What the days on the page come to: all of each day, and not only what is on the page.
    pub sums: Vec<RenewalSum>,
    /// The page before this one ends before this mark; nothing if there is none.
    pub previous: Option<Mark>,
    /// The page after this one begins after this mark; nothing if there is none.
    pub next: Option<Mark>,
}

/// How many renewals fall on which days.
#[derive(Debug)]
pub struct RenewalDays {
    /// By days since 1970-01-01, UTC; days without any are left out.
    pub days: BTreeMap<i64, u64>,
    /// Whether later renewals of the same contracts are counted too. With very many contracts, only the next of each.
    pub foreseen: bool,
}

impl Guildhall {
    /// A page of the renewals that are to come, and of those that are due and have not been done.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn upcoming_renewals(
        &self,
        access: &Access<'_>,
        way: Way,
        limit: usize,
    ) -> Result<RenewalPage, AppError> {
        let environment = access.environment();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let filter = running(false);
                let order = BilledOrder::NextBilling;
                let more = limit as i64 + 1;
                let marks = tx.contracts().billed_marks(environment, &filter, order, way, more).await?;
                let Cut { marks, previous, next } = Cut::of(marks, way, limit);
                let sums = match (marks.first(), marks.last()) {
                    (Some(first), Some(last)) => {
                        let from = Timestamp::from_micros(first.at.div_euclid(DAY_US) * DAY_US);
                        let until = Timestamp::from_micros((last.at.div_euclid(DAY_US) + 1) * DAY_US);
                        tx.contracts().renewal_sums(environment, from, until).await?
                    }
                    _ => Vec::new(),
                };
                let numbers: Vec<_> = marks.iter().map(|mark| mark.number).collect();
                let contracts = tx.contracts().numbered(environment, &numbers).await?;
                Ok(RenewalPage { contracts, sums, previous, next })
            })
        });
        found.await
    }

    /// Running contracts whose charge failed and is tried again, the next try first, and whether there are more.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn retried_contracts(
        &self,
        access: &Access<'_>,
        limit: usize,
    ) -> Result<(Vec<HeldContract>, bool), AppError> {
        let environment = access.environment();
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let (order, more) = (BilledOrder::Attention, limit as i64 + 1);
                let filter = running(true);
                let marks =
                    tx.contracts().billed_marks(environment, &filter, order, Way::Start, more).await?;
                let numbers: Vec<_> = marks.iter().take(limit).map(|mark| mark.number).collect();
                Ok((tx.contracts().numbered(environment, &numbers).await?, marks.len() > limit))
            })
        });
        found.await
    }

    /// How many renewals fall on each day from one time until before another.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn renewal_days(
        &self,
        access: &Access<'_>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<RenewalDays, AppError> {
        let environment = access.environment();
        let found =
            self.store().scan::<_, AppError, _>(move |tx| Box::pin(days_of(tx, environment, from, until)));
        found.await
    }
}

const fn running(attention: bool) -> BilledFilter {
    BilledFilter { status: ContractStatus::Active, plan: None, attention }
}

async fn days_of(
    tx: &mut Tx,
    environment: EnvironmentId,
    from: Timestamp,
    until: Timestamp,
) -> Result<RenewalDays, AppError> {
    let (order, limit) = (BilledOrder::NextBilling, FORESEEN_MAX + 1);
    let marks = tx.contracts().billed_marks(environment, &running(false), order, Way::Start, limit).await?;
    let mut days = BTreeMap::new();
    if marks.len() as i64 > FORESEEN_MAX {
        for sum in tx.contracts().renewal_sums(environment, from, until).await? {
            *days.entry(sum.day).or_default() += sum.contracts.unsigned_abs();
        }
        return Ok(RenewalDays { days, foreseen: false });
    }
    let numbers: Vec<_> =
        marks.iter().filter(|mark| mark.at < until.micros()).map(|mark| mark.number).collect();
    for held in tx.contracts().numbered(environment, &numbers).await? {
        for at in dates(&held.contract, from, until) {
            *days.entry(at.day()).or_default() += 1;
        }
    }
    Ok(RenewalDays { days, foreseen: true })
}

/// The dates from one time until before another that a running contract is billed on, if all goes well.
fn dates(contract: &Contract, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let Some(next) = contract.next_billing() else { return Vec::new() };
    let Some(schedule) = &contract.terms.schedule else {
        return Some(next).filter(|at| (from..until).contains(at)).into_iter().collect();
    };
    let left = contract.terms.max_cycles.map(|max| max.saturating_sub(contract.progress.paid_cycles));
    let mut at = next;
    if left.is_none() && at < from {
        // Nothing counts them, so those in between need not be gone through.
        match schedule.after(from.plus_micros(-1)) {
            Some(first) => at = first,
            None => return Vec::new(),
        }
    }
    let mut dates = Vec::new();
    for _ in 0..left.unwrap_or(STEPS_MAX).min(STEPS_MAX) {
        if at >= until {
            break;
        }
        if at >= from {
            dates.push(at);
        }
        match schedule.after(at) {
            Some(further) => at = further,
            None => break,
        }
    }
    dates
}
