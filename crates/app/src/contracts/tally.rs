//! What a unit of work on contracts changes about the figures of their environment, gathered first and stored
//! at once: every row is touched once, and all units touch rows in the same order, so that none waits for
//! another that waits for it.

use crate::error::AppError;
use guildhall_domain::EnvironmentId;
use guildhall_domain::contract::{Contract, Happened, Standing};
use guildhall_store::{DayChange, FIGURE_SLOTS, TotalChange, Tx};
use std::collections::BTreeMap;

/// Changes of figures on their way to the store.
#[derive(Default)]
pub(crate) struct Tally {
    /// By currency and slot.
    totals: BTreeMap<(String, i64), TotalChange>,
    /// By day, currency and slot.
    days: BTreeMap<(i64, String, i64), DayChange>,
}

impl Tally {
    /// Brings in a contract that the figures do not know: as it stands, from the day on which it was made. What
    /// it was in between is not known any more.
    pub(crate) fn bring_in(&mut self, contract: &Contract) {
        let (standing, made_on) = (contract.standing(), contract.created_at.day());
        let Some(ended_on) = standing.ended_on else {
            return self.change(contract, Standing::default(), standing, made_on);
        };
        let ran = Standing { active: true, monthly: contract.terms.monthly(), ..Standing::default() };
        self.change(contract, Standing::default(), ran, made_on.min(ended_on));
        self.change(contract, ran, standing, ended_on);
    }

    /// A contract stood like this before the unit, and after it as it is now.
    pub(crate) fn changed(&mut self, contract: &Contract, before: Standing, today: i64) {
        self.change(contract, before, contract.standing(), today);
    }

    fn change(&mut self, contract: &Contract, before: Standing, after: Standing, day: i64) {
        let by = |before: bool, after: bool| i64::from(after) - i64::from(before);
        let (active, monthly) = (by(before.active, after.active), after.monthly - before.monthly);
        let total = self.totals.entry((contract.terms.currency.clone(), slot(contract))).or_default();
        total.active += active;
        total.monthly += monthly;
        total.retrying += by(before.retrying, after.retrying);
        let on = self.day(contract, day);
        on.active += active;
        on.monthly += monthly;
        if before.ended_on != after.ended_on {
            // One that is taken up again has not ended on the day on which it had.
            if let Some(day) = before.ended_on {
                self.day(contract, day).ended -= 1;
            }
            if let Some(day) = after.ended_on {
                self.day(contract, day).ended += 1;
            }
        }
    }

    /// What became of a charge, told by what happened and by the contract as it is now.
    pub(crate) fn charged(&mut self, contract: &Contract, happened: &[Happened], today: i64) {
        let failed = happened.contains(&Happened::ChargeFailed);
        let taken = contract.progress.last_payment.as_ref().map_or(0, |payment| payment.minor);
        let on = self.day(contract, today);
        on.failed += i64::from(failed);
        on.collected += if happened.contains(&Happened::Charged) { taken } else { 0 };
    }

    fn day(&mut self, contract: &Contract, day: i64) -> &mut DayChange {
        self.days.entry((day, contract.terms.currency.clone(), slot(contract))).or_default()
    }

    /// Stores what has changed; what has not is not touched.
    pub(crate) async fn store(self, tx: &mut Tx, environment: EnvironmentId) -> Result<(), AppError> {
        for ((currency, slot), change) in self.totals {
            if change != TotalChange::default() {
                tx.figures().change_totals(environment, &currency, slot, change).await?;
            }
        }
        for ((day, currency, slot), change) in self.days {
            if change != DayChange::default() {
                tx.figures().change_day(environment, day, &currency, slot, change).await?;
            }
        }
        Ok(())
    }
}

/// Where a contract counts.
const fn slot(contract: &Contract) -> i64 {
    contract.number.rem_euclid(FIGURE_SLOTS)
}
