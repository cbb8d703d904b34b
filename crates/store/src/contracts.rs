//! Members' holds on plans.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::contract::Contract;
use guildhall_domain::ids::PlanId;
use guildhall_domain::member_id::MemberKey;

const INSERT: &str = "INSERT INTO contracts (member_key, id, plan, kind, status, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const DELETE: &str = "DELETE FROM contracts WHERE member_key = $1 AND plan = $2";

/// A contract and who holds it.
pub struct NewContract<'a> {
    /// The holder.
    pub member: MemberKey,
    /// What is held.
    pub contract: &'a Contract,
}

/// Reached as `tx.contracts()`.
pub struct Contracts<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Contracts<'_> {
    /// Stores a new contract.
    ///
    /// # Errors
    /// `Conflict(PlanHeld)` if the member holds the plan; `Conflict(Reference)` if there is no
    /// such plan or member.
    pub async fn insert(&mut self, new: NewContract<'_>) -> Result<(), StoreError> {
        let contract = new.contract;
        let values = params![
            new.member,
            contract.id.as_str(),
            contract.plan.as_str(),
            contract.kind.as_str(),
            contract.status.as_str(),
            contract.created_at
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// Deletes a member's hold on a plan. False if it has none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&mut self, member: MemberKey, plan: &PlanId) -> Result<bool, StoreError> {
        self.tx.execute(DELETE, params![member, plan.as_str()]).await.map(|rows| rows == 1)
    }
}
