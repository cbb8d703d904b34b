//! Changing an attempt in a contract's queue.

use super::ContractView;
use super::change::{NOTE_CHARS_MAX, checked_note};
use super::unit::Unit;
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::attempt::{Attempt, AttemptStatus};
use guildhall_domain::contract::{ContractStatus, Happened};
use guildhall_domain::time::Timestamp;
use guildhall_domain::{Code, Refusal};
use serde_json::json;

/// One change of an attempt.
#[derive(Clone, Debug)]
pub enum AttemptChange {
    /// The period is left out.
    Skip,
    /// It is not left out after all.
    Unskip,
    /// The period is billed on another date.
    Reschedule(Timestamp),
    /// The period is charged at once.
    Bill,
    /// Shown on its order.
    Note(String),
}

impl Guildhall {
    /// Changes an attempt; tells how it and its contract are then.
    ///
    /// # Errors
    /// `AttemptNotFound`; `AttemptNotQueued`; `AttemptNotSkipped`; `ContractNotActive`; `NotBilled`;
    /// `ChargeUnderWay`; `NextBillingPast`; `InputInvalid`; `Busy`; `StoreUnavailable`.
    pub async fn change_attempt(
        &self,
        access: &Access<'_>,
        number: i64,
        change: AttemptChange,
    ) -> Result<(Attempt, ContractView), AppError> {
        let setting = self.setting(access);
        let changed = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let now = setting.now(tx).await?;
                let missing = || AppError::new(Code::AttemptNotFound);
                let found =
                    tx.billing_attempts().find(setting.environment, number).await?.ok_or_else(missing)?;
                let mut unit = setting.find(tx, found.contract).await?;
                // Once more: it may have changed before its contract was locked.
                let mut attempt =
                    tx.billing_attempts().find(setting.environment, number).await?.ok_or_else(missing)?;
                let action = change.action();
                let happened = unit.apply_to_attempt(&mut attempt, change, now)?;
                attempt.updated_at = now;
                unit.store(tx, &setting, &happened, Some(&mut attempt), now).await?;
                let id = unit.held.contract.id.to_string();
                setting.recorder.audit(tx, action, &id, &json!({ "attempt": number })).await?;
                Ok((attempt, unit.view()))
            })
        });
        let changed = changed.await?;
        self.billing_due().notify_one();
        Ok(changed)
    }
}

impl AttemptChange {
    const fn action(&self) -> &'static str {
        match self {
            Self::Skip => "attempt.skip",
            Self::Unskip => "attempt.unskip",
            Self::Reschedule(_) => "attempt.reschedule",
            Self::Bill => "attempt.bill",
            Self::Note(_) => "attempt.note",
        }
    }
}

impl Unit {
    fn apply_to_attempt(
        &mut self,
        attempt: &mut Attempt,
        change: AttemptChange,
        now: Timestamp,
    ) -> Result<Vec<Happened>, AppError> {
        let queued = self.held.contract.queued().is_some_and(|(slot, _)| slot == attempt.slot)
            && attempt.status == AttemptStatus::Queued;
        let contract = self.contract();
        let must = |holds: bool, code: Code| if holds { Ok(()) } else { Err(Refusal::from(code)) };
        Ok(match change {
            AttemptChange::Skip => {
                must(queued, Code::AttemptNotQueued)?;
                let happened = contract.skip(now)?;
                attempt.status = AttemptStatus::Skipped;
                happened
            }
            AttemptChange::Unskip => {
                must(attempt.status == AttemptStatus::Skipped, Code::AttemptNotSkipped)?;
                let happened = contract.unskip(attempt.slot, attempt.due_at, now)?;
                attempt.status = AttemptStatus::Queued;
                happened
            }
            AttemptChange::Reschedule(at) => {
                must(queued, Code::AttemptNotQueued)?;
                let happened = contract.set_next_billing(at, now)?;
                attempt.due_at = at;
                happened
            }
            AttemptChange::Bill => {
                let failed = attempt.status == AttemptStatus::Failure
                    && attempt.slot == i64::from(contract.progress.slot);
                if contract.status() == ContractStatus::Active {
                    must(queued || failed, Code::AttemptNotQueued)?;
                }
                contract.bill_now(now)?
            }
            AttemptChange::Note(note) => {
                attempt.note = checked_note(note, NOTE_CHARS_MAX)?;
                Vec::new()
            }
        })
    }
}
