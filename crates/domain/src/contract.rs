//! A member's hold on a plan. Memberstack calls it a plan connection, Appstle a membership
//! contract; it is one thing with two views.

use crate::ids::{ContractId, PlanId};
use crate::time::Timestamp;

/// How a plan is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractKind {
    /// Costs nothing.
    Free,
}

impl ContractKind {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            ContractKind::Free => "FREE",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        (text == "FREE").then_some(ContractKind::Free)
    }
}

/// Where a contract is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractStatus {
    /// The member has access.
    Active,
}

impl ContractStatus {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            ContractStatus::Active => "ACTIVE",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        (text == "ACTIVE").then_some(ContractStatus::Active)
    }

    /// Whether the member has access.
    pub const fn gives_access(self) -> bool {
        matches!(self, ContractStatus::Active)
    }
}

/// A member's hold on a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// `con_…`
    pub id: ContractId,
    /// The plan that is held.
    pub plan: PlanId,
    /// How it is held.
    pub kind: ContractKind,
    /// Where it is in its life.
    pub status: ContractStatus,
    /// When it began.
    pub created_at: Timestamp,
}
