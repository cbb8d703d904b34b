//! One unit of work on one contract: it is found and locked, changed by the domain's rules, and everything that
//! hangs on it is brought along.

use crate::contracts::Tally;
use crate::contracts::view::{attempt_view, contract_view};
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::members::{count_holder, plan_payload};
use crate::record::Recorder;
use guildhall_domain::attempt::{Attempt, AttemptStatus};
use guildhall_domain::contract::{Contract, ContractStatus, ContractSummary, Happened, Standing};
use guildhall_domain::event::EventKind;
use guildhall_domain::plan::Money;
use guildhall_domain::{Code, EnvironmentId, Timestamp};
use guildhall_store::{HeldContract, PaymentMethod, Tx};
use serde_json::json;
use std::sync::Arc;

/// Where a unit on contracts takes place, and on whose behalf.
#[derive(Clone)]
pub(crate) struct Setting {
    pub environment: EnvironmentId,
    pub definitions: Arc<Definitions>,
    /// Its time is the real one; events carry the environment's.
    pub recorder: Recorder,
}

impl Setting {
    /// The time by the environment's clock.
    pub(crate) async fn now(&self, tx: &mut Tx) -> Result<Timestamp, AppError> {
        Ok(tx.clocks().find(self.environment).await?.at.unwrap_or(self.recorder.now))
    }

    /// Finds a contract and keeps it from others until the unit ends.
    pub(crate) async fn find(&self, tx: &mut Tx, number: i64) -> Result<Unit, AppError> {
        let held = tx.contracts().find_locked(self.environment, number).await?;
        let mut held = held.ok_or(Code::ContractNotFound)?;
        self.definitions.complete(&mut held.contract);
        let methods = tx.payments().methods_of(held.contract.holder).await?;
        let before = Before::of(&held);
        Ok(Unit { method: method_of(&held.contract, methods), held, before })
    }
}

/// How a contract is paid for: by the method it names, or else by the member's only one.
pub(crate) fn method_of(contract: &Contract, methods: Vec<PaymentMethod>) -> Option<PaymentMethod> {
    match contract.terms.payment_method {
        Some(number) => methods.into_iter().find(|method| method.number == number),
        None => methods.into_iter().next(),
    }
}

/// What a contract was before it was changed, as far as others keep it too.
struct Before {
    summary: ContractSummary,
    items: Vec<(i64, i64)>,
    slot: u32,
    standing: Standing,
    /// The contract, if the figures do not know it.
    uncounted: Option<Box<Contract>>,
}

impl Before {
    fn of(held: &HeldContract) -> Self {
        let contract = &held.contract;
        Self {
            summary: contract.summary(),
            items: items(contract),
            slot: contract.progress.slot,
            standing: contract.standing(),
            uncounted: (!held.counted).then(|| Box::new(contract.clone())),
        }
    }
}

fn items(contract: &Contract) -> Vec<(i64, i64)> {
    contract.terms.lines.iter().map(|line| (line.number, line.item.variant)).collect()
}

/// A contract in a unit of work.
pub(crate) struct Unit {
    pub held: HeldContract,
    pub method: Option<PaymentMethod>,
    before: Before,
}

impl Unit {
    /// A contract that was just stored.
    pub(crate) fn created(held: HeldContract, method: Option<PaymentMethod>) -> Self {
        let before = Before::of(&held);
        Self { held, method, before }
    }

    pub(crate) fn contract(&mut self) -> &mut Contract {
        &mut self.held.contract
    }

    /// Stores what was changed and everything that follows from it. `attempt` is the one that this is about, as it is
    /// to be stored.
    pub(crate) async fn store(
        &mut self,
        tx: &mut Tx,
        setting: &Setting,
        happened: &[Happened],
        attempt: Option<&mut Attempt>,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let contract = &self.held.contract;
        tx.contracts().update(contract).await?;
        if self.lines_changed() {
            tx.contracts().put_items(contract).await?;
        }
        let mut about = None;
        if let Some(attempt) = attempt {
            tx.billing_attempts().put(setting.environment, attempt).await?;
            about = Some(&*attempt);
        }
        self.put_queue(tx, setting, now).await?;
        let summary = self.held.contract.summary();
        self.count_holders(tx, setting, &summary).await?;
        self.tell(tx, setting, &summary, happened, about, now).await?;
        self.count(tx, setting, happened, now).await
    }

    /// Brings the figures in step, once for every change: last, because others wait for their rows.
    pub(crate) async fn count(
        &mut self,
        tx: &mut Tx,
        setting: &Setting,
        happened: &[Happened],
        now: Timestamp,
    ) -> Result<(), AppError> {
        let contract = &self.held.contract;
        let mut tally = Tally::default();
        if let Some(unknown) = self.before.uncounted.take() {
            tally.bring_in(&unknown);
        }
        tally.changed(contract, self.before.standing, now.day());
        tally.charged(contract, happened, now.day());
        self.before.standing = contract.standing();
        self.held.counted = true;
        tally.store(tx, setting.environment).await
    }

    /// Brings the queue in step: one attempt for the period that is next, none beside it.
    async fn put_queue(&self, tx: &mut Tx, setting: &Setting, now: Timestamp) -> Result<(), AppError> {
        let contract = &self.held.contract;
        let wanted = contract.queued();
        let mut stands = false;
        for mut queued in tx.billing_attempts().queued(contract.number).await? {
            let next = wanted.filter(|(slot, _)| *slot == queued.slot);
            match next {
                Some((_, due_at)) => {
                    stands = true;
                    if queued.due_at != due_at || queued.money.minor != contract.due_minor() {
                        queued.due_at = due_at;
                        queued.money.minor = contract.due_minor();
                        queued.items = lines_json(contract);
                        queued.updated_at = now;
                        tx.billing_attempts().put(setting.environment, &mut queued).await?;
                    }
                }
                // Its date came while the contract rested.
                None if contract.status() == ContractStatus::Paused
                    && queued.slot < i64::from(contract.progress.slot) =>
                {
                    queued.status = AttemptStatus::ContractPaused;
                    queued.updated_at = now;
                    tx.billing_attempts().put(setting.environment, &mut queued).await?;
                }
                None => tx.billing_attempts().delete(queued.number).await?,
            }
        }
        if let Some((slot, due_at)) = wanted.filter(|_| !stands) {
            // The same slot may be there in another state: charged meanwhile, or under way.
            if contract.progress.asked.as_ref().is_none_or(|asked| asked.slot != slot) {
                let mut attempt = self.new_attempt(slot, due_at, contract.due_minor(), now);
                tx.billing_attempts().put(setting.environment, &mut attempt).await?;
            }
        }
        Ok(())
    }

    /// An attempt in the queue.
    pub(crate) fn new_attempt(&self, slot: i64, due_at: Timestamp, minor: i64, now: Timestamp) -> Attempt {
        let contract = &self.held.contract;
        Attempt {
            number: 0,
            contract: contract.number,
            slot,
            status: AttemptStatus::Queued,
            due_at,
            money: Money { minor, currency: contract.terms.currency.clone() },
            tries: 0,
            tried_at: None,
            charge_key: None,
            reference: None,
            code: None,
            message: None,
            note: contract.notes.order_note.clone().unwrap_or_default(),
            items: lines_json(contract),
            created_at: now,
            updated_at: now,
        }
    }

    async fn count_holders(
        &self,
        tx: &mut Tx,
        setting: &Setting,
        summary: &ContractSummary,
    ) -> Result<(), AppError> {
        let held = |summary: &ContractSummary| summary.plan.clone().filter(|_| summary.is_held());
        let (before, after) = (held(&self.before.summary), held(summary));
        if before == after {
            return Ok(());
        }
        if let Some(plan) = after {
            count_holder(tx, setting.environment, &setting.definitions, &plan).await?;
        }
        if let Some(plan) = before {
            tx.plans().remove_holder(&plan, setting.environment).await?;
        }
        Ok(())
    }

    /// The member's summary, and the events of both dialects.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        setting: &Setting,
        summary: &ContractSummary,
        happened: &[Happened],
        attempt: Option<&Attempt>,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let created = happened.contains(&Happened::Created);
        let changed = created || *summary != self.before.summary;
        let recorder = Recorder { now, ..setting.recorder.clone() };
        let view = self.view();
        let id = self.held.contract.id.to_string();
        if changed && let Some(mut member) = tx.members().find_at(self.held.contract.holder).await? {
            member.contracts.retain(|contract| contract.id != summary.id);
            member.contracts.push(summary.clone());
            member
                .contracts
                .sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
            tx.members().update_contracts(&member).await?;
            if let Some(kind) = self.member_event(summary, created) {
                let payload = plan_payload(&member, summary, &setting.definitions);
                recorder.event(tx, setting.environment, kind, member.id.as_str(), &payload).await?;
            }
        }
        let mut shape = None;
        let app = &setting.definitions.app;
        for kind in events(happened) {
            let payload = match attempt.filter(|_| is_about_attempt(kind)) {
                Some(attempt) => attempt_view(attempt, &self.held.contract, app).to_string(),
                None => shape.get_or_insert_with(|| contract_view(&view, app).to_string()).clone(),
            };
            recorder.event(tx, setting.environment, kind, &id, &payload).await?;
        }
        Ok(())
    }

    fn member_event(&self, summary: &ContractSummary, created: bool) -> Option<EventKind> {
        let before = &self.before.summary;
        if created {
            return Some(EventKind::MemberPlanAdded);
        }
        if before.is_held() && !summary.is_held() {
            return Some(EventKind::MemberPlanCanceled);
        }
        let same =
            (before.status, before.access, &before.plan) == (summary.status, summary.access, &summary.plan);
        (!same).then_some(EventKind::MemberPlanUpdated)
    }

    /// As its views show it.
    pub(crate) fn view(&self) -> super::ContractView {
        super::ContractView { held: self.held.clone(), method: self.method.clone() }
    }

    /// Whether its lines are for something else than before.
    pub(crate) fn lines_changed(&self) -> bool {
        items(&self.held.contract) != self.before.items
    }

    /// The period that was next before the change.
    pub(crate) fn slot_before(&self) -> i64 {
        self.before.slot.into()
    }
}

/// What Appstle's webhooks call what happened. `membership.updated` is a catch-all that comes with every other one.
fn events(happened: &[Happened]) -> Vec<EventKind> {
    let mut kinds: Vec<EventKind> = happened
        .iter()
        .filter_map(|happened| {
            Some(match happened {
                Happened::Created => EventKind::MembershipCreated,
                Happened::Activated => EventKind::MembershipActivated,
                Happened::Paused => EventKind::MembershipPaused,
                Happened::Cancelled => EventKind::MembershipCancelled,
                Happened::Expired => EventKind::MembershipExpired,
                Happened::PlanChanged => EventKind::MembershipSwapProduct,
                Happened::NextBillingChanged => EventKind::MembershipNextOrderDateChanged,
                Happened::IntervalChanged => EventKind::MembershipBillingIntervalChanged,
                Happened::Charged => EventKind::MembershipBillingSuccess,
                Happened::ChargeFailed => EventKind::MembershipBillingFailure,
                Happened::Skipped => EventKind::MembershipBillingSkipped,
                Happened::Failed | Happened::AccessChanged | Happened::Updated => return None,
            })
        })
        .collect();
    if !happened.is_empty() && !happened.contains(&Happened::Created) {
        kinds.push(EventKind::MembershipUpdated);
    }
    kinds
}

const fn is_about_attempt(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::MembershipBillingSuccess
            | EventKind::MembershipBillingFailure
            | EventKind::MembershipBillingSkipped
    )
}

/// What an attempt keeps of the lines it is for.
pub(crate) fn lines_json(contract: &Contract) -> String {
    let lines: Vec<_> = contract
        .terms
        .lines
        .iter()
        .map(|line| {
            json!({
                "variantId": line.item.variant, "quantity": line.quantity, "title": line.item.title, "image": "",
                "productTitle": line.item.title,
                "productId": line.item.product.map(|product| product.to_string()).unwrap_or_default(),
                "sellingPlanId": line.item.selling_plan.map(|plan| plan.to_string()).unwrap_or_default(),
            })
        })
        .collect();
    serde_json::Value::Array(lines).to_string()
}
