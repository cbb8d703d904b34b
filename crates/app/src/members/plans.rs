//! Giving a member a free plan, and taking it away.

use super::create::{free_plan, insert_free};
use super::view::write_plan_connection;
use super::{Member, find_locked};
use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::contract::{ContractKind, ContractSummary};
use guildhall_domain::event::EventKind;
use guildhall_domain::ids::PlanId;
use serde_json::json;
use std::sync::Arc;

impl Guildhall {
    /// Gives a member a free plan. Plans that only administrators may give can be given here.
    ///
    /// # Errors
    /// `MemberNotFound`, `PlanNotFound`, `PlanNotFree`, `PlanAlreadyHeld`, `PlanFull`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn add_plan(&self, access: &Access<'_>, id: &str, plan: &str) -> Result<(), AppError> {
        let (definitions, now) = (Arc::clone(access.definitions()), self.now());
        let contract = free_plan(&definitions, plan).map(|plan| self.free_contract(plan, now));
        let (place, codec, recorder) =
            (access.place(), self.store().member_ids().clone(), access.recorder(now));
        let id = id.to_owned();
        let added = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut member = find_locked(tx, &codec, place, &id).await?;
                // Judged after the member, so that an unknown member is what the caller hears of.
                let contract = contract?;
                if member.contracts.iter().any(|held| held.plan == contract.plan && held.is_held()) {
                    return Err(Code::PlanAlreadyHeld.into());
                }
                insert_free(tx, place.id, &definitions, member.key, &contract).await?;
                member.contracts.push(contract.clone());
                tx.members().update_contracts(&member).await?;
                let detail = json!({ "plan": contract.plan });
                recorder.audit(tx, "member.plan.add", &id, &detail).await?;
                let payload = payload(&member, &contract, &definitions);
                recorder.event(tx, place.id, EventKind::MemberPlanAdded, &id, &payload).await
            })
        });
        added.await
    }

    /// Takes a free plan from a member. It can be given again.
    ///
    /// # Errors
    /// `MemberNotFound`, `PlanNotFound`, `PlanNotFree`, `PlanNotHeld`, `Busy`, `StoreUnavailable`.
    pub async fn remove_plan(&self, access: &Access<'_>, id: &str, plan: &str) -> Result<(), AppError> {
        let definitions = Arc::clone(access.definitions());
        let plan = PlanId::from_text(plan);
        let judged = match definitions.plan(&plan) {
            None => Err(Code::PlanNotFound),
            Some(plan) if !plan.is_free() => Err(Code::PlanNotFree),
            Some(_) => Ok(()),
        };
        let (place, codec, recorder) =
            (access.place(), self.store().member_ids().clone(), access.recorder(self.now()));
        let id = id.to_owned();
        let removed = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut member = find_locked(tx, &codec, place, &id).await?;
                let held = member
                    .contracts
                    .iter()
                    .position(|held| held.plan.as_ref() == Some(&plan) && held.is_held());
                let Some(held) = held else {
                    return Err(judged.err().unwrap_or(Code::PlanNotHeld).into());
                };
                // What was given for nothing can be taken back, also if the plan has a price by now.
                if member.contracts[held].kind != ContractKind::Free {
                    return Err(Code::PlanNotFree.into());
                }
                let contract = member.contracts.remove(held);
                tx.contracts().delete_free(member.key, &plan).await?;
                tx.members().update_contracts(&member).await?;
                tx.plans().remove_holder(&plan, place.id).await?;
                let detail = json!({ "plan": plan.as_str() });
                recorder.audit(tx, "member.plan.remove", &id, &detail).await?;
                let payload = payload(&member, &contract, &definitions);
                recorder.event(tx, place.id, EventKind::MemberPlanCanceled, &id, &payload).await
            })
        });
        removed.await
    }
}

/// `{id, member, planConnection}`: the member's id stands in both places that receivers in the
/// wild look at.
pub(crate) fn payload(member: &Member, contract: &ContractSummary, definitions: &Definitions) -> String {
    let mut out = Vec::with_capacity(1280);
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(member.id.as_str().as_bytes());
    out.extend_from_slice(b"\",\"member\":");
    super::write_member(&mut out, member, definitions, super::Shown::default());
    out.extend_from_slice(b",\"planConnection\":");
    write_plan_connection(&mut out, contract, definitions);
    out.push(b'}');
    String::from_utf8(out).expect("an event's payload is written as UTF-8")
}
