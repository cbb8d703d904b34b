//! The figures of an environment's contracts: how it stands now, and what each day brought. No plot of them
//! ever scans contracts.
//!
//! A row is written by every unit of work that changes what it counts, and held by it until it ends. So each
//! figure is spread over [`FIGURE_SLOTS`] rows, chosen by the contract's number, and added up when it is read.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::EnvironmentId;

/// Rows that one figure is spread over. The migration says it too.
pub const FIGURE_SLOTS: i64 = 32;

const CHANGE_TOTALS: &str = "INSERT INTO contract_totals (environment, currency, slot, active, retrying, monthly)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (environment, currency, slot) DO UPDATE
    SET active = contract_totals.active + excluded.active,
    retrying = contract_totals.retrying + excluded.retrying, monthly = contract_totals.monthly + excluded.monthly";
const CHANGE_DAY: &str = "INSERT INTO contract_days
    (environment, day, currency, slot, active, monthly, ended, failed, collected)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (environment, day, currency, slot) DO UPDATE
    SET active = contract_days.active + excluded.active, monthly = contract_days.monthly + excluded.monthly,
    ended = contract_days.ended + excluded.ended, failed = contract_days.failed + excluded.failed,
    collected = contract_days.collected + excluded.collected";
const TOTALS: &str = "SELECT currency, CAST(SUM(active) AS BIGINT), CAST(SUM(retrying) AS BIGINT),
    CAST(SUM(monthly) AS BIGINT) FROM contract_totals WHERE environment = $1 GROUP BY currency ORDER BY currency";
const SINCE: &str = "SELECT day, currency, CAST(SUM(active) AS BIGINT), CAST(SUM(monthly) AS BIGINT),
    CAST(SUM(ended) AS BIGINT), CAST(SUM(failed) AS BIGINT), CAST(SUM(collected) AS BIGINT)
    FROM contract_days WHERE environment = $1 AND day >= $2 GROUP BY day, currency ORDER BY day, currency";

/// By how much the totals of a slot change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotalChange {
    /// Recurring contracts that run.
    pub active: i64,
    /// Contracts whose charge failed and is tried again.
    pub retrying: i64,
    /// Recurring revenue of a month, in minor units.
    pub monthly: i64,
}

/// What a day brought in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayChange {
    /// By how much the number of running contracts changed.
    pub active: i64,
    /// By how much the recurring revenue of a month changed, in minor units.
    pub monthly: i64,
    /// Contracts that ended, less those that were taken up again after they had ended on that day.
    pub ended: i64,
    /// Charges that failed, each try for itself.
    pub failed: i64,
    /// Money that was taken, in minor units.
    pub collected: i64,
}

/// How it stands with the contracts of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Lower-case ISO 4217 code.
    pub currency: String,
    /// All slots together.
    pub totals: TotalChange,
}

/// What a day brought in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFigures {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Lower-case ISO 4217 code.
    pub currency: String,
    /// All slots together.
    pub change: DayChange,
}

/// Reached as `tx.figures()`.
pub struct Figures<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Figures<'_> {
    /// Adds to the totals of a slot. Part of the unit that changes what is counted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_totals(
        &mut self,
        environment: EnvironmentId,
        currency: &str,
        slot: i64,
        change: TotalChange,
    ) -> Result<(), StoreError> {
        let values = params![environment, currency, slot, change.active, change.retrying, change.monthly];
        self.tx.execute(CHANGE_TOTALS, values).await.map(|_| ())
    }

    /// Adds to what a day brought in a slot. Part of the unit in which it happened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_day(
        &mut self,
        environment: EnvironmentId,
        day: i64,
        currency: &str,
        slot: i64,
        change: DayChange,
    ) -> Result<(), StoreError> {
        let DayChange { active, monthly, ended, failed, collected } = change;
        let values = params![environment, day, currency, slot, active, monthly, ended, failed, collected];
        self.tx.execute(CHANGE_DAY, values).await.map(|_| ())
    }

    /// How it stands now, a row for each currency.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn totals(&mut self, environment: EnvironmentId) -> Result<Vec<Totals>, StoreError> {
        self.tx.all(TOTALS, params![environment], totals_from_row).await
    }

    /// What the days from this one on brought, a row for each day and currency; days without anything are
    /// left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn since(
        &mut self,
        environment: EnvironmentId,
        day: i64,
    ) -> Result<Vec<DayFigures>, StoreError> {
        self.tx.all(SINCE, params![environment, day], day_from_row).await
    }
}

fn totals_from_row(row: &Row<'_>) -> Result<Totals, StoreError> {
    let totals = TotalChange { active: row.int(1)?, retrying: row.int(2)?, monthly: row.int(3)? };
    Ok(Totals { currency: row.string(0)?, totals })
}

fn day_from_row(row: &Row<'_>) -> Result<DayFigures, StoreError> {
    let change = DayChange {
        active: row.int(2)?,
        monthly: row.int(3)?,
        ended: row.int(4)?,
        failed: row.int(5)?,
        collected: row.int(6)?,
    };
    Ok(DayFigures { day: row.int(0)?, currency: row.string(1)?, change })
}
