//! What was done with contracts and their billing, as an integrator reads it: the part of the audit trail that is
//! about them, in the words of the Appstle dialect (wire contract C.7 and C.8).

use crate::audit::Actor;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivitySubject {
    /// A contract.
    Contract,
    /// A billing attempt of one.
    Attempt,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityStatus {
    /// It was done.
    Success,
    /// It was tried, and failed.
    Failure,
    /// What came of it stands in the details.
    Info,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivitySource {
    /// A caller with a key.
    Api,
    /// The member.
    Member,
    /// An operator.
    Operator,
    /// The server.
    Server,
}

/// One kind of entry: what the audit trail calls it, and what integrators do.
#[derive(Debug, PartialEq, Eq)]
pub struct ActivityKind {
    /// In the audit trail, whose subject is the contract's id.
    pub action: &'static str,
    /// To integrators.
    pub event: &'static str,
    /// What it is about.
    pub subject: ActivitySubject,
    /// How it went.
    pub status: ActivityStatus,
}

macro_rules! kinds {
    ($($subject:ident { $($action:literal $event:literal $status:ident;)* })*) => {
        /// Every kind there is.
        pub const KINDS: &[ActivityKind] = &[$($(ActivityKind {
            action: $action, event: $event, subject: ActivitySubject::$subject, status: ActivityStatus::$status,
        },)*)*];
    };
}

kinds! {
    Contract {
        "contract.create" "CONTRACT_CREATED" Success;
        "contract.resume" "CONTRACT_ACTIVATED" Success;
        "contract.pause" "CONTRACT_PAUSED" Success;
        "contract.cancel" "CONTRACT_CANCELLED" Success;
        "contract.next-billing" "NEXT_BILLING_DATE_CHANGE" Success;
        "contract.billing-interval" "BILLING_INTERVAL_CHANGE" Success;
        "contract.delivery-interval" "DELIVERY_INTERVAL_CHANGE" Success;
        "contract.min-cycles" "MIN_CYCLES_CHANGE" Success;
        "contract.max-cycles" "MAX_CYCLES_CHANGE" Success;
        "contract.line.add" "PRODUCT_ADD" Success;
        "contract.line.remove" "PRODUCT_REMOVE" Success;
        "contract.line.update" "PRODUCT_UPDATE" Success;
        "contract.plan.change" "PRODUCT_SWAP" Success;
        "contract.downgrade.forget" "PENDING_DOWNGRADE_CANCELLED" Success;
        "contract.discount.add" "DISCOUNT_APPLIED" Success;
        "contract.discount.remove" "DISCOUNT_REMOVED" Success;
        "contract.update" "CONTRACT_UPDATED" Success;
    }
    Attempt {
        "contract.charge" "BILLING_ATTEMPT_CHARGED" Info;
        "attempt.skip" "BILLING_ATTEMPT_SKIPPED" Success;
        "attempt.unskip" "BILLING_ATTEMPT_UNSKIPPED" Success;
        "attempt.reschedule" "BILLING_ATTEMPT_RESCHEDULED" Success;
        "attempt.bill" "BILLING_ATTEMPT_TRIGGERED" Success;
        "attempt.note" "BILLING_ATTEMPT_NOTE_CHANGE" Success;
    }
}

impl ActivityKind {
    /// By what the audit trail calls it.
    pub fn of_action(action: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.action == action)
    }
}

impl ActivitySubject {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Contract, Self::Attempt];

    /// As the dialect names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ActivitySubject::Contract => "SUBSCRIPTION_CONTRACT_DETAILS",
            ActivitySubject::Attempt => "SUBSCRIPTION_BILLING_ATTEMPT",
        }
    }
}

impl ActivityStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Info];

    /// As the dialect names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ActivityStatus::Success => "SUCCESS",
            ActivityStatus::Failure => "FAILURE",
            ActivityStatus::Info => "INFO",
        }
    }
}

impl ActivitySource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Api, Self::Member, Self::Operator, Self::Server];

    /// As the dialect names it (wire contract E.2).
    pub const fn as_str(self) -> &'static str {
        match self {
            ActivitySource::Api => "MERCHANT_EXTERNAL_API",
            ActivitySource::Member => "CUSTOMER_PORTAL",
            ActivitySource::Operator => "MERCHANT_PORTAL",
            ActivitySource::Server => "SYSTEM_EVENT",
        }
    }

    /// The kinds of actor, as the audit trail stores them ([`Actor::parts`]), that it stands for.
    pub const fn actor_kinds(self) -> &'static [&'static str] {
        match self {
            ActivitySource::Api => &["key"],
            ActivitySource::Member => &["member", "portal", "visitor"],
            ActivitySource::Operator => &["operator", "command-line"],
            ActivitySource::Server => &["server"],
        }
    }

    /// Of a kind of actor as stored.
    pub fn of_actor_kind(stored: &str) -> Self {
        let found = Self::ALL.into_iter().find(|source| source.actor_kinds().contains(&stored));
        found.unwrap_or(ActivitySource::Server)
    }

    /// Of an actor.
    pub fn of(actor: &Actor) -> Self {
        Self::of_actor_kind(actor.parts().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::KeyId;
    use std::collections::HashSet;

    #[test]
    fn each_kind_has_one_name_on_either_side() {
        let actions: HashSet<_> = KINDS.iter().map(|kind| kind.action).collect();
        let events: HashSet<_> = KINDS.iter().map(|kind| kind.event).collect();
        assert_eq!((actions.len(), events.len()), (KINDS.len(), KINDS.len()));
        for kind in KINDS {
            assert_eq!(ActivityKind::of_action(kind.action), Some(kind));
        }
    }

    #[test]
    fn whoever_acts_is_a_source() {
        assert_eq!(ActivitySource::of(&Actor::Key(KeyId::new([1; 16]))), ActivitySource::Api);
        assert_eq!(ActivitySource::of(&Actor::CommandLine), ActivitySource::Operator);
        assert_eq!(ActivitySource::of(&Actor::Server), ActivitySource::Server);
        let member = crate::member_id::MemberId::from_text("mem_a");
        assert_eq!(ActivitySource::of(&Actor::Portal(member)).as_str(), "CUSTOMER_PORTAL");
        assert_eq!(ActivitySource::of(&Actor::Visitor), ActivitySource::Member);
    }
}
