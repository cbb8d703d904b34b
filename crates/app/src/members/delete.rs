//! Deleting a member.

use super::{Member, find_locked};
use crate::auth::Access;
use crate::contracts::{ContractView, Tally, contract_view};
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::Code;
use guildhall_domain::contract::ContractKind;
use guildhall_domain::event::EventKind;
use guildhall_store::Tx;
use serde_json::json;

impl Guildhall {
    /// Deletes a member with everything that is only its own. Records that it owned belong to nobody from
    /// then on, and what pointed at it points at nothing.
    ///
    /// # Errors
    /// `MemberNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn delete_member(&self, access: &Access<'_>, id: &str) -> Result<(), AppError> {
        let recorder = access.recorder(self.now());
        let (place, codec, id) = (access.place(), self.store().member_ids().clone(), id.to_owned());
        let definitions = std::sync::Arc::clone(access.definitions());
        let app = definitions.app.id.clone();
        let deleted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let member = find_locked(tx, &codec, place, &id).await?;
                for held in member.contracts.iter().filter(|contract| contract.is_held()) {
                    if let Some(plan) = &held.plan {
                        tx.plans().remove_holder(plan, place.id).await?;
                    }
                }
                let tally = end_contracts(tx, &definitions, &recorder, &member).await?;
                if !tx.members().delete(member.key).await? {
                    return Err(Code::MemberNotFound.into());
                }
                // Listed only now that the member is gone: whoever points at it from a table made
                // meanwhile has been waited for.
                for table in &tx.data_tables().list(&app).await? {
                    tx.records().forget_member(table, place.id, member.key).await?;
                }
                tx.environments().dismiss(place.id).await?;
                // After the environment's row, as whoever makes a member with a contract does.
                tally.store(tx, place.id).await?;
                recorder.audit(tx, "member.delete", &id, &json!({})).await?;
                let payload = json!({ "id": id }).to_string();
                recorder.event(tx, place.id, EventKind::MemberDeleted, &id, &payload).await
            })
        });
        deleted.await
    }
}

/// Contracts end with the member who holds them; whoever listens for them hears of it, and the figures are to count them as
/// ended.
async fn end_contracts(
    tx: &mut Tx,
    definitions: &Definitions,
    recorder: &Recorder,
    member: &Member,
) -> Result<Tally, AppError> {
    let mut tally = Tally::default();
    if member.contracts.iter().all(|contract| contract.payment.is_none()) {
        return Ok(tally);
    }
    let environment = recorder.environment.ok_or_else(|| AppError::internal("a member of no environment"))?;
    // Contracts go by their environment's clock, which is not always the real time.
    let now = tx.clocks().find(environment).await?.at.unwrap_or(recorder.now);
    let recorder = Recorder { now, ..recorder.clone() };
    for mut held in tx.contracts().of_member(member.key).await? {
        let contract = &mut held.contract;
        if contract.kind == ContractKind::Free {
            continue;
        }
        if !held.counted {
            tally.bring_in(contract);
        }
        if !contract.status().is_live() {
            continue;
        }
        let before = contract.standing();
        contract.terms.min_cycles = None;
        contract.cancel(None, None, now)?;
        tally.changed(contract, before, now.day());
        let id = contract.id.to_string();
        let payload = contract_view(&ContractView { held, method: None }, &definitions.app).to_string();
        recorder.event(tx, environment, EventKind::MembershipCancelled, &id, &payload).await?;
    }
    Ok(tally)
}
