//! A contract as the member who holds it carries it: what both dialects show of it at a glance.

use super::{Active, Contract, ContractKind, ContractStatus, Life, PauseReason, Paused};
use crate::ids::{ContractId, PlanId, PriceId};
use crate::time::Timestamp;

/// What a member's row says of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractSummary {
    /// `con_…`
    pub id: ContractId,
    /// The plan that is held; nothing if it is none of ours.
    pub plan: Option<PlanId>,
    /// How it is held.
    pub kind: ContractKind,
    /// How Memberstack names the state it is in.
    pub status: ConnectionStatus,
    /// Whether the member may use what it holds.
    pub access: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// How it is paid for; nothing for what is free.
    pub payment: Option<PaymentSummary>,
}

/// How a contract is paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentSummary {
    /// What the next charge comes to, in minor units.
    pub minor: i64,
    /// Lower-case ISO 4217 code.
    pub currency: String,
    /// Whether the last charge succeeded; nothing before the first.
    pub paid: Option<bool>,
    /// When the last charge succeeded or failed.
    pub last_at: Option<Timestamp>,
    /// When it is billed next.
    pub next_at: Option<Timestamp>,
    /// When the use of it ends, if it has been ended.
    pub cancel_at: Option<Timestamp>,
    /// The price.
    pub price: Option<PriceId>,
}

/// The states of Memberstack's plan connections (wire contract, part E).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// It may be used.
    Active,
    /// It may be used, and nothing was paid yet.
    Trialing,
    /// It wants to be paid: a charge failed, or it rests beyond what was paid.
    RequiresPayment,
    /// The bank wants its customer to confirm.
    RequiresAuthentication,
    /// It was ended.
    Canceled,
}

impl ConnectionStatus {
    const ALL: [Self; 5] =
        [Self::Active, Self::Trialing, Self::RequiresPayment, Self::RequiresAuthentication, Self::Canceled];

    /// As stored and as Memberstack shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Trialing => "TRIALING",
            Self::RequiresPayment => "REQUIRES_PAYMENT",
            Self::RequiresAuthentication => "REQUIRES_AUTHENTICATION",
            Self::Canceled => "CANCELED",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Contract {
    /// How Memberstack names the state it is in. A contract that rests is as good as active while what was
    /// paid lasts, and wants to be paid after that.
    pub fn connection_status(&self) -> ConnectionStatus {
        match &self.life {
            Life::Active(Active { dunning: Some(_), .. }) => ConnectionStatus::RequiresPayment,
            Life::Active(_) if self.progress.trial_ends_at.is_some() && self.progress.paid_cycles == 0 => {
                ConnectionStatus::Trialing
            }
            Life::Active(_) => ConnectionStatus::Active,
            Life::Paused(Paused { reason: PauseReason::SecurityChallenge, .. }) => {
                ConnectionStatus::RequiresAuthentication
            }
            Life::Paused(_) if self.progress.access => ConnectionStatus::Active,
            Life::Paused(_) => ConnectionStatus::RequiresPayment,
            Life::Cancelled(_) | Life::Expired(_) | Life::Failed(_) => ConnectionStatus::Canceled,
        }
    }

    /// What the member's row says of it.
    pub fn summary(&self) -> ContractSummary {
        let last = self.progress.last_payment.as_ref();
        let payment = (self.kind != ContractKind::Free).then(|| PaymentSummary {
            minor: self.terms.total(),
            currency: self.terms.currency.clone(),
            paid: last.map(|payment| payment.paid),
            last_at: last.map(|payment| payment.at),
            next_at: self.next_billing().filter(|_| self.status() == ContractStatus::Active),
            cancel_at: self.ends_at(),
            price: self.terms.price().cloned(),
        });
        ContractSummary {
            id: self.id.clone(),
            plan: self.plan().cloned(),
            kind: self.kind,
            status: self.connection_status(),
            access: self.progress.access,
            created_at: self.created_at,
            payment,
        }
    }
}

impl ContractSummary {
    /// Whether it still counts as held: a plan that was ended can be taken anew.
    pub fn is_held(&self) -> bool {
        self.status != ConnectionStatus::Canceled
    }
}
