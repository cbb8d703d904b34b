//! Members' holds on plans.

use crate::driver::{Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::contract::{Contract, ContractKind, ContractStatus};
use guildhall_domain::ids::{ContractId, PlanId};
use guildhall_domain::member_id::MemberKey;

const INSERT: &str =
    "INSERT INTO contracts (member_key, id, plan, kind, status, created_at, environment, amount,
    customer_name, imported, updated_at, document) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', FALSE, $6, '')";
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
            contract.created_at,
            new.member.environment()
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

/// What a member's row carries of its contracts, oldest first: a line each, the parts between tabs.
/// Ids hold neither.
pub(crate) fn to_summary(contracts: &[Contract]) -> String {
    let mut ordered: Vec<&Contract> = contracts.iter().collect();
    ordered.sort_by_key(|contract| (contract.created_at, contract.id.as_str()));
    let line = |contract: &&Contract| {
        let (kind, status) = (contract.kind.as_str(), contract.status.as_str());
        let created_at = contract.created_at.micros();
        format!("{}\t{}\t{kind}\t{status}\t{created_at}", contract.id, contract.plan)
    };
    ordered.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The contracts in a summary; nothing if it is none.
pub(crate) fn from_summary(summary: &str) -> Option<Vec<Contract>> {
    let contract = |line: &str| {
        let mut parts = line.split('\t');
        let contract = Contract {
            id: ContractId::from_text(parts.next()?),
            plan: PlanId::from_text(parts.next()?),
            kind: ContractKind::from_stored(parts.next()?)?,
            status: ContractStatus::from_stored(parts.next()?)?,
            created_at: Timestamp::from_micros(parts.next()?.parse().ok()?),
        };
        parts.next().is_none().then_some(contract)
    };
    summary.lines().map(contract).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_back_in_order_of_age() {
        let contract = |id: &str, at| Contract {
            id: ContractId::from_text(id),
            plan: PlanId::from_text(format!("pln_{id}")),
            kind: ContractKind::Free,
            status: ContractStatus::Active,
            created_at: Timestamp::from_micros(at),
        };
        let (older, newer) = (contract("con_b", 1), contract("con_a", 2));
        let summary = to_summary(&[newer.clone(), older.clone()]);
        assert_eq!(from_summary(&summary), Some(vec![older, newer]));
        assert_eq!(from_summary(""), Some(Vec::new()));
        assert_eq!(from_summary("con_a\tpln_a"), None);
    }
}
