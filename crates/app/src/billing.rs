//! Billing: what is due about contracts is done, each charge exactly once however many nodes run it.
//!
//! A contract is leased, so that others leave it alone for a while; then, in a unit of work, the domain says
//! what is due and the attempt is noted as under way; then the provider is asked; then, in another unit,
//! what it said is noted. Whoever finds a contract with a charge under way, because the one that asked is gone,
//! first asks the provider what it knows of the charge's key, and then for the charge with that same key.
//! Neither lease nor clock is what keeps a charge from being made twice: that is the key, which the provider
//! knows, and the attempt's place in the database, which is unique.

pub mod clock;
mod fake;
pub mod provider;

pub use fake::FakeProvider;
pub use provider::{ChargeRequest, PaymentProvider, Payments, Receipt, Unreached};

use crate::contracts::unit::{Setting, Unit};
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use futures_util::StreamExt;
use guildhall_domain::attempt::{Attempt, AttemptStatus};
use guildhall_domain::audit::Actor;
use guildhall_domain::contract::{Charge, Contract, Due, DunningOutcome, Happened, Outcome};
use guildhall_domain::time::{MICROS_PER_SECOND, Timestamp};
use guildhall_domain::{Code, EnvironmentId, Mode};
use guildhall_store::{DueContract, Tx};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// How long others leave a contract alone that somebody has leased.
pub(crate) const LEASE_US: i64 = 60 * MICROS_PER_SECOND;
/// Contracts leased at a time.
const BATCH: i64 = 256;
/// Contracts worked on at a time.
const PARALLEL: usize = 64;
/// How often one contract is looked at in a row: a trial that ends is charged at once.
const STEPS_MAX: usize = 8;

/// Definitions of the environments that a batch is about, read once for all of it.
type Known = HashMap<EnvironmentId, (Arc<Definitions>, Mode)>;

impl Guildhall {
    /// Does what is due about contracts now, up to a batch of them, in environments that go by the real time; then
    /// goes on with sandboxes' clocks that are being moved. Tells how many contracts were looked at: more may be
    /// due while that is not 0.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`. What fails about one contract is logged and tried again later.
    pub async fn run_billing(&self) -> Result<usize, AppError> {
        let now = self.now();
        let leased = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(
                async move { Ok(tx.contracts().lease_due(now, now.plus_micros(LEASE_US), BATCH).await?) },
            )
        });
        let leased = leased.await?;
        self.work_off(&leased, |_| now).await?;
        let moved = self.run_clocks().await?;
        Ok(leased.len() + moved)
    }

    /// Works on leased contracts side by side, each at a time of its own.
    pub(crate) async fn work_off(
        &self,
        leased: &[DueContract],
        now_of: impl Fn(&DueContract) -> Timestamp,
    ) -> Result<(), AppError> {
        if leased.is_empty() {
            return Ok(());
        }
        let known = &self.known(leased).await?;
        let steps = leased.iter().map(|due| (due, now_of(due)));
        futures_util::stream::iter(steps)
            .for_each_concurrent(PARALLEL, |(due, now)| async move {
                let Some((definitions, mode)) = known.get(&due.environment) else {
                    return;
                };
                let app = Some(definitions.app.id.clone());
                let recorder = Recorder {
                    environment: Some(due.environment),
                    ..Recorder::of(Actor::Server, app, self.now())
                };
                let setting =
                    Setting { environment: due.environment, definitions: Arc::clone(definitions), recorder };
                match self.work_on(due.number, *mode, setting, now).await {
                    Ok(()) => {}
                    // Nothing is lost: the contract stays due until a provider is set up.
                    Err(error) if error.code == Code::PaymentMethodMissing => {
                        tracing::debug!(contract = due.number, ?error, "a contract stays due");
                    }
                    Err(error) => {
                        tracing::warn!(contract = due.number, ?error, "billing of a contract is put off");
                    }
                }
            })
            .await;
        Ok(())
    }

    async fn known(&self, leased: &[DueContract]) -> Result<Known, AppError> {
        let mut environments: Vec<_> = leased.iter().map(|due| due.environment).collect();
        environments.sort_unstable();
        environments.dedup();
        let known = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut known = Known::new();
                for environment in environments {
                    let app = tx.environments().app_of(environment).await?;
                    let all = tx.environments().of_app(&app).await?;
                    let definitions = Definitions::load(tx, &app).await?;
                    if let Some(place) = all.into_iter().find(|place| place.id == environment) {
                        known.insert(environment, (Arc::new(definitions), place.mode));
                    }
                }
                Ok(known)
            })
        });
        known.await
    }

    /// Does what is due about one contract.
    async fn work_on(
        &self,
        number: i64,
        mode: Mode,
        setting: Setting,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let provider = self.payments().of(mode);
        for _ in 0..STEPS_MAX {
            match self.begin(number, &setting, provider.is_some(), now).await? {
                Begun::Nothing => return Ok(()),
                Begun::Done => {}
                Begun::Charge(request) => {
                    let Some(provider) = &provider else {
                        return Ok(());
                    };
                    let Some(receipt) = ask(&**provider, &request).await else {
                        // Not known: whoever finds it when the lease has ended asks again.
                        return Ok(());
                    };
                    self.settle(number, &setting, request.charge, receipt, now).await?;
                }
            }
        }
        Ok(())
    }

    /// The first unit: what is due is done, or the charge is noted as under way.
    async fn begin(
        &self,
        number: i64,
        setting: &Setting,
        can_charge: bool,
        now: Timestamp,
    ) -> Result<Begun, AppError> {
        let setting = setting.clone();
        let begun = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut unit = match setting.find(tx, number).await {
                    // Deleted meanwhile, with the member who held it.
                    Err(error) if error.code == Code::ContractNotFound => return Ok(Begun::Nothing),
                    found => found?,
                };
                match unit.contract().begin(now) {
                    Due::Nothing => {
                        tx.contracts().release(number).await?;
                        Ok(Begun::Nothing)
                    }
                    Due::Done(happened) => {
                        unit.store_done(tx, &setting, &happened, now).await?;
                        Ok(Begun::Done)
                    }
                    Due::Charge(_) if !can_charge => {
                        let message = "no payment provider is set up for live contracts";
                        Err(AppError::because(Code::PaymentMethodMissing, message))
                    }
                    Due::Charge(charge) => unit.note_asked(tx, &setting, charge, now).await,
                }
            })
        });
        begun.await
    }

    /// The last unit: what the provider said is noted, and what follows from it.
    async fn settle(
        &self,
        number: i64,
        setting: &Setting,
        charge: Charge,
        receipt: Receipt,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let setting = setting.clone();
        let settled = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut unit = match setting.find(tx, number).await {
                    Err(error) if error.code == Code::ContractNotFound => return Ok(()),
                    found => found?,
                };
                let policy = setting.definitions.app.dunning;
                let skipped_slot = unit.held.contract.progress.slot;
                let happened = unit.contract().settle(&charge.key, &receipt.outcome, &policy, now);
                if happened.is_empty() {
                    return Ok(());
                }
                let found = tx.billing_attempts().find_slot(number, charge.slot).await?;
                let mut attempt =
                    found.unwrap_or_else(|| unit.new_attempt(charge.slot, now, charge.minor, now));
                let skipped = happened.contains(&Happened::Skipped)
                    && policy.outcome == DunningOutcome::Skip
                    && charge.slot == i64::from(skipped_slot);
                note_receipt(&mut attempt, receipt, skipped, now);
                unit.store(tx, &setting, &happened, Some(&mut attempt), now).await?;
                let id = unit.held.contract.id.to_string();
                let detail = json!({
                    "attempt": attempt.number, "status": attempt.status.as_str(), "amount": attempt.money.minor,
                    "currency": attempt.money.currency,
                });
                setting.recorder.audit(tx, "contract.charge", &id, &detail).await
            })
        });
        settled.await
    }
}

enum Begun {
    Nothing,
    Done,
    Charge(Box<ChargeRequest>),
}

/// Asks the provider, which may have been asked before. Nothing if it cannot be known what became of the charge.
async fn ask(provider: &dyn PaymentProvider, request: &ChargeRequest) -> Option<Receipt> {
    if request.reference.is_empty() {
        return Some(Receipt::declined("payment_method_missing", "The member has no payment method."));
    }
    if request.charge.again
        && let Ok(Some(receipt)) = provider.find(&request.charge.key).await
    {
        return Some(receipt);
    }
    if let Ok(receipt) = provider.charge(request).await {
        return Some(receipt);
    }
    match provider.find(&request.charge.key).await {
        Ok(Some(receipt)) => Some(receipt),
        // It knows nothing of it; if it learns of it later, the key is the same.
        Ok(None) => Some(Receipt::unreached()),
        Err(Unreached) => None,
    }
}

fn note_receipt(attempt: &mut Attempt, receipt: Receipt, skipped: bool, now: Timestamp) {
    attempt.status = match receipt.outcome {
        Outcome::Paid => AttemptStatus::Success,
        Outcome::NeedsAuthentication => AttemptStatus::SecurityChallenge,
        Outcome::Declined | Outcome::Unreached if skipped => AttemptStatus::SkippedByDunning,
        Outcome::Declined | Outcome::Unreached => AttemptStatus::Failure,
    };
    attempt.reference = receipt.reference;
    attempt.code = receipt.code;
    attempt.message = receipt.message;
    attempt.updated_at = now;
}

impl Unit {
    /// Stores that the provider is going to be asked.
    async fn note_asked(
        &mut self,
        tx: &mut Tx,
        setting: &Setting,
        charge: Charge,
        now: Timestamp,
    ) -> Result<Begun, AppError> {
        let contract = &self.held.contract;
        let request = ChargeRequest {
            reference: self.method.as_ref().map(|method| method.reference.clone()).unwrap_or_default(),
            currency: contract.terms.currency.clone(),
            paid_before: contract.progress.paid_cycles,
            charge,
        };
        if request.charge.again {
            return Ok(Begun::Charge(Box::new(request)));
        }
        let charge = &request.charge;
        let due_at = contract.next_billing().filter(|_| charge.slot >= 0).unwrap_or(now);
        let found = tx.billing_attempts().find_slot(contract.number, charge.slot).await?;
        let mut attempt = found.unwrap_or_else(|| self.new_attempt(charge.slot, due_at, charge.minor, now));
        attempt.status = AttemptStatus::Requesting;
        attempt.money.minor = charge.minor;
        attempt.tries += 1;
        attempt.tried_at = Some(now);
        attempt.charge_key = Some(charge.key.clone());
        attempt.items = crate::contracts::unit::lines_json(contract);
        attempt.updated_at = now;
        tx.contracts().update(contract).await?;
        tx.billing_attempts().put(setting.environment, &mut attempt).await?;
        Ok(Begun::Charge(Box::new(request)))
    }

    /// Stores what was done without a charge.
    async fn store_done(
        &mut self,
        tx: &mut Tx,
        setting: &Setting,
        happened: &[Happened],
        now: Timestamp,
    ) -> Result<(), AppError> {
        let slot = self.slot_before();
        if !happened.contains(&Happened::Charged) {
            return self.store(tx, setting, happened, None, now).await;
        }
        let contract: &Contract = &self.held.contract;
        let due_at = contract.progress.billed_at.unwrap_or(now);
        let found = tx.billing_attempts().find_slot(contract.number, slot).await?;
        let mut attempt = found.unwrap_or_else(|| self.new_attempt(slot, due_at, 0, now));
        attempt.status = AttemptStatus::Success;
        attempt.money.minor = 0;
        attempt.tried_at = Some(now);
        attempt.updated_at = now;
        self.store(tx, setting, happened, Some(&mut attempt), now).await
    }
}
