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
use guildhall_domain::time::Timestamp;
use guildhall_domain::{Code, EnvironmentId, Mode};
use guildhall_store::{DueContract, Tx};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Contracts leased at a time.
const BATCH: i64 = 256;
/// Contracts worked on at a time.
const PARALLEL: usize = 64;
/// How long the provider may take to answer a question. A charge has three at most, which fit into a lease.
const PROVIDER_WAIT: Duration = Duration::from_secs(15);
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
        Ok(self.run_due_contracts().await? + self.run_clocks().await?)
    }

    /// The first half of [`Guildhall::run_billing`], which a sandbox whose clock is moved far cannot hold up.
    ///
    /// # Errors
    /// As of that.
    pub async fn run_due_contracts(&self) -> Result<usize, AppError> {
        let now = self.now();
        let until = now.plus_micros(self.billing_lease_us());
        let leased = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.contracts().lease_due(now, until, BATCH).await?) })
        });
        let leased = leased.await?;
        self.work_off(&leased, |_| now).await?;
        Ok(leased.len())
    }

    /// Tries again what was set aside because it could not be billed as it was: a newer version may read it, or
    /// somebody has mended it. Tells how many contracts there were.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn take_up_set_aside(&self) -> Result<u64, AppError> {
        let taken = self
            .store()
            .write::<_, AppError, _>(|tx| Box::pin(async move { Ok(tx.contracts().take_up().await?) }));
        taken.await
    }

    async fn set_aside(&self, number: i64) {
        let set = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.contracts().set_aside(number).await?) })
        });
        if let Err(error) = set.await {
            tracing::warn!(contract = number, ?error, "a contract was not set aside; its lease will end");
        }
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
                    // A fault of ours or of its data, which time does not heal.
                    Err(error) if error.code == Code::Internal => {
                        tracing::error!(contract = due.number, ?error, "a contract cannot be billed");
                        self.set_aside(due.number).await;
                    }
                    Err(error) => {
                        tracing::warn!(contract = due.number, ?error, "billing of a contract is put off");
                    }
                }
            })
            .await;
        Ok(())
    }

    /// An environment whose definitions cannot be read is left out; the others are billed.
    async fn known(&self, leased: &[DueContract]) -> Result<Known, AppError> {
        let mut environments: Vec<_> = leased.iter().map(|due| due.environment).collect();
        environments.sort_unstable();
        environments.dedup();
        let mut known = Known::new();
        for environment in environments {
            match self.definitions_of(environment).await {
                Ok(found) => {
                    known.insert(environment, found);
                }
                Err(error) if error.code == Code::Internal => {
                    tracing::error!(
                        environment = environment.number(),
                        ?error,
                        "an environment cannot be billed"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(known)
    }

    async fn definitions_of(&self, environment: EnvironmentId) -> Result<(Arc<Definitions>, Mode), AppError> {
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let app = tx.environments().app_of(environment).await?;
                let places = tx.environments().of_app(&app).await?;
                let place = places.into_iter().find(|place| place.id == environment);
                let place = place.ok_or_else(|| AppError::internal("an app without its environment"))?;
                Ok((Arc::new(Definitions::load(tx, &app).await?), place.mode))
            })
        });
        found.await
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
                    let Some(receipt) = ask(&**provider, &request, PROVIDER_WAIT).await else {
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
        let _turn = self.billing_turns().acquire().await;
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
        let _turn = self.billing_turns().acquire().await;
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
async fn ask(provider: &dyn PaymentProvider, request: &ChargeRequest, wait: Duration) -> Option<Receipt> {
    let known = || answered(provider.find(&request.charge.key), wait);
    if request.charge.again {
        match known().await {
            Ok(Some(receipt)) => return Some(receipt),
            Ok(None) => {}
            // There was a payment method when it was asked first: it may have been charged.
            Err(Unreached) if request.reference.is_empty() => return None,
            Err(Unreached) => {}
        }
    }
    if request.reference.is_empty() {
        return Some(Receipt::declined("payment_method_missing", "The member has no payment method."));
    }
    if let Ok(receipt) = answered(provider.charge(request), wait).await {
        return Some(receipt);
    }
    match known().await {
        Ok(Some(receipt)) => Some(receipt),
        // It knows nothing of it; if it learns of it later, the key is the same.
        Ok(None) => Some(Receipt::unreached()),
        Err(Unreached) => None,
    }
}

/// What the provider answers; one that says nothing for so long has not answered.
async fn answered<T>(
    answer: impl Future<Output = Result<T, Unreached>>,
    wait: Duration,
) -> Result<T, Unreached> {
    tokio::time::timeout(wait, answer).await.unwrap_or(Err(Unreached))
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
        if self.lines_changed() {
            // A cheaper plan begins with this period: that is told and counted like any other change of plan.
            self.store(tx, setting, &[Happened::PlanChanged], Some(&mut attempt), now).await?;
        } else {
            tx.contracts().update(contract).await?;
            tx.billing_attempts().put(setting.environment, &mut attempt).await?;
            self.count(tx, setting, &[], now).await?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::provider::Answer;

    const SHORT: Duration = Duration::from_millis(20);

    /// Answers charges and questions with what it is told; what it is told nothing of it never answers.
    struct Told {
        charge: Option<Result<Receipt, Unreached>>,
        find: Option<Result<Option<Receipt>, Unreached>>,
    }

    fn answer<T: Clone + Send + 'static>(told: Option<T>) -> Answer<'static, T> {
        Box::pin(async move {
            match told {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }

    impl PaymentProvider for Told {
        fn name(&self) -> &'static str {
            "told"
        }

        fn is_fake(&self) -> bool {
            true
        }

        fn charge<'a>(&'a self, _: &'a ChargeRequest) -> Answer<'a, Result<Receipt, Unreached>> {
            answer(self.charge.clone())
        }

        fn find<'a>(&'a self, _: &'a str) -> Answer<'a, Result<Option<Receipt>, Unreached>> {
            answer(self.find.clone())
        }
    }

    fn request(reference: &str, again: bool) -> ChargeRequest {
        let charge = Charge { slot: 0, key: "con_1:0:0".into(), minor: 1_000, again };
        ChargeRequest { charge, reference: reference.into(), currency: "usd".into(), paid_before: 0 }
    }

    fn asked(provider: Told, request: &ChargeRequest) -> Option<Receipt> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(ask(&provider, request, SHORT))
    }

    fn paid() -> Receipt {
        Receipt::paid("ch_1".into())
    }

    #[test]
    fn a_provider_that_never_answers_is_given_up() {
        assert_eq!(asked(Told { charge: None, find: None }, &request("pm_1", false)), None);
        let knows_nothing = Told { charge: None, find: Some(Ok(None)) };
        assert_eq!(asked(knows_nothing, &request("pm_1", false)), Some(Receipt::unreached()));
        let knows = Told { charge: None, find: Some(Ok(Some(paid()))) };
        assert_eq!(asked(knows, &request("pm_1", false)), Some(paid()));
    }

    #[test]
    fn what_may_have_been_charged_is_looked_up_though_the_payment_method_is_gone() {
        let knows = Told { charge: None, find: Some(Ok(Some(paid()))) };
        assert_eq!(asked(knows, &request("", true)), Some(paid()));
        assert_eq!(asked(Told { charge: None, find: None }, &request("", true)), None);
        let missing =
            asked(Told { charge: None, find: Some(Ok(None)) }, &request("", true)).expect("an answer");
        assert_eq!(missing.code.as_deref(), Some("payment_method_missing"));
    }
}
