//! What the portal shows of a member: its memberships, what was charged, what comes next, and what may be done.

use crate::auth::PortalVisit;
use crate::contracts::unit::method_of;
use crate::contracts::{Attempt, AttemptStatus, Contract, ContractKind, ContractStatus, ContractView};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::portal::PortalPowers;
use guildhall_domain::{Code, Refusal, Timestamp};
use guildhall_store::{HeldContract, Tx};
use std::sync::Arc;

/// Memberships on a page.
const PAGE: usize = 10;
/// Past charges that are shown of each.
const PAST: i64 = 12;

/// A page of a member's memberships: those that run or rest first, the newest first among them.
#[derive(Debug)]
pub struct PortalPage {
    /// The memberships.
    pub memberships: Vec<Membership>,
    /// Which page it is, from 1.
    pub page: usize,
    /// Whether there are more.
    pub more: bool,
    /// The time by the environment's clock.
    pub now: Timestamp,
}

/// A membership as its holder sees it.
#[derive(Debug)]
pub struct Membership {
    /// The contract, and how it is paid for.
    pub view: ContractView,
    /// The charge that comes next.
    pub next: Option<Attempt>,
    /// The charge that was left out and can be taken back.
    pub skipped: Option<Attempt>,
    /// What was charged or could not be, latest first.
    pub past: Vec<Attempt>,
    /// What may be done with it now.
    pub may: MayDo,
}

/// What may be done with a membership now, by the domain's rules and by the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MayDo {
    /// Let it rest.
    pub pause: bool,
    /// Let it run again.
    pub resume: bool,
    /// Look at what ending it would do: the domain may still refuse.
    pub cancel: bool,
    /// Leave out the next charge.
    pub skip: bool,
    /// Take that back.
    pub unskip: bool,
}

/// What would come of ending a membership.
#[derive(Debug)]
pub struct Cancellation {
    /// The contract as it is.
    pub view: ContractView,
    /// Why it cannot be ended now, in the domain's words.
    pub refused: Option<String>,
    /// Until when it could still be used; nothing if not at all.
    pub usable_until: Option<Timestamp>,
    /// Until when it could be taken up again; nothing if not at all.
    pub resumable_until: Option<Timestamp>,
}

impl Guildhall {
    /// A page of the visitor's memberships, from 1.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn portal_page(&self, visit: &PortalVisit, page: usize) -> Result<PortalPage, AppError> {
        let (member, powers, real_now) = (visit.member(), visit.powers(), self.now());
        let environment = visit.access().environment();
        let definitions = Arc::clone(visit.access().definitions());
        let read = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.clocks().find(environment).await?.at.unwrap_or(real_now);
                let methods = tx.payments().methods_of(member).await?;
                let mut held = tx.contracts().of_member(member).await?;
                held.sort_by_key(|held| {
                    (!held.contract.status().is_live(), std::cmp::Reverse(held.contract.number))
                });
                let page = page.max(1);
                let before = (page - 1).saturating_mul(PAGE);
                let more = held.len() > before.saturating_add(PAGE);
                let mut memberships = Vec::new();
                for mut held in held.into_iter().skip(before).take(PAGE) {
                    definitions.complete(&mut held.contract);
                    let method = method_of(&held.contract, methods.clone());
                    memberships.push(membership(tx, ContractView { held, method }, powers, now).await?);
                }
                Ok(PortalPage { memberships, page, more, now })
            })
        });
        read.await
    }

    /// What would come of ending a membership of the visitor's own.
    ///
    /// # Errors
    /// `ContractNotFound`, also for another's; `StoreUnavailable`.
    pub async fn portal_cancellation(
        &self,
        visit: &PortalVisit,
        number: i64,
    ) -> Result<Cancellation, AppError> {
        let access = visit.access();
        let view = own(visit, self.contract(&access, number).await?)?;
        let (environment, real_now) = (access.environment(), self.now());
        let now = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.clocks().find(environment).await?.at.unwrap_or(real_now)) })
        });
        let now = now.await?;
        let mut ended = view.contract().clone();
        let refused = match ended.cancel(None, None, now) {
            Ok(_) if view.contract().status().is_live() => None,
            Ok(_) => Some(Code::ContractEnded.message().to_owned()),
            Err(refusal) => Some(refusal.message.into_owned()),
        };
        let usable_until = ended.progress.paid_until.filter(|_| ended.progress.access);
        Ok(Cancellation { refused, usable_until, resumable_until: ended.next_billing(), view })
    }
}

/// A contract that is the visitor's own.
pub(super) fn own(visit: &PortalVisit, view: ContractView) -> Result<ContractView, AppError> {
    if view.contract().holder == visit.member() { Ok(view) } else { Err(Code::ContractNotFound.into()) }
}

/// Whether an attempt's contract is the visitor's own.
pub(super) fn own_attempt(visit: &PortalVisit, held: &HeldContract) -> Result<(), AppError> {
    if held.contract.holder == visit.member() { Ok(()) } else { Err(Code::AttemptNotFound.into()) }
}

async fn membership(
    tx: &mut Tx,
    view: ContractView,
    powers: PortalPowers,
    now: Timestamp,
) -> Result<Membership, AppError> {
    let contract = view.contract();
    let next = tx.billing_attempts().queued(contract.number).await?.into_iter().next_back();
    let left_out = i64::from(contract.progress.slot) - 1;
    let mut skipped = tx.billing_attempts().find_slot(contract.number, left_out).await?;
    skipped = skipped.filter(|attempt| attempt.status == AttemptStatus::Skipped && attempt.due_at > now);
    let mut past = tx.billing_attempts().decided(contract.number, PAST).await?;
    past.retain(|attempt| attempt.status != AttemptStatus::Skipped || attempt.due_at <= now);
    let may = may_do(contract, next.as_ref(), skipped.as_ref(), powers, now);
    Ok(Membership { next, skipped, past, may, view })
}

/// Asks the domain by doing each thing with a copy.
fn may_do(
    contract: &Contract,
    next: Option<&Attempt>,
    skipped: Option<&Attempt>,
    powers: PortalPowers,
    now: Timestamp,
) -> MayDo {
    type Done = Result<Vec<guildhall_domain::contract::Happened>, Refusal>;
    let works = |change: &dyn Fn(&mut Contract) -> Done| change(&mut contract.clone()).is_ok();
    let (status, recurring) = (contract.status(), contract.kind == ContractKind::Recurring);
    MayDo {
        pause: powers.contracts
            && recurring
            && status == ContractStatus::Active
            && works(&|contract| contract.pause(None, now)),
        resume: powers.contracts
            && status != ContractStatus::Active
            && works(&|contract| contract.resume(now)),
        cancel: powers.contracts && status.is_live(),
        skip: powers.billing
            && next.is_some_and(|next| Some((next.slot, next.due_at)) == contract.queued())
            && works(&|contract| contract.skip(now)),
        unskip: powers.billing
            && skipped.is_some_and(|left| works(&|contract| contract.unskip(left.slot, left.due_at, now))),
    }
}
