//! What happened, for webhooks and for people. Rows of the outbox, written with the change.

/// The kind of an event, named as the vendors' webhooks name it: Memberstack's begin with `member.`, Appstle's
/// with `membership.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A member was made.
    MemberCreated,
    /// E-mail, custom fields, metadata or another visible part of a member changed.
    MemberUpdated,
    /// A member was deleted.
    MemberDeleted,
    /// A member got a plan.
    MemberPlanAdded,
    /// A member lost a plan.
    MemberPlanCanceled,
    /// How a member holds a plan changed.
    MemberPlanUpdated,
    /// A contract was made.
    MembershipCreated,
    /// Something about a contract changed, whatever else is said of it.
    MembershipUpdated,
    /// A contract runs again.
    MembershipActivated,
    /// A contract rests.
    MembershipPaused,
    /// A contract was ended.
    MembershipCancelled,
    /// A contract has run its term.
    MembershipExpired,
    /// A contract is for something else.
    MembershipSwapProduct,
    /// A contract is billed on another date.
    MembershipNextOrderDateChanged,
    /// A contract is billed more or less often.
    MembershipBillingIntervalChanged,
    /// A charge succeeded.
    MembershipBillingSuccess,
    /// A charge did not succeed.
    MembershipBillingFailure,
    /// A period was left out.
    MembershipBillingSkipped,
}

impl EventKind {
    /// `member.created` and so on.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::MemberCreated => "member.created",
            EventKind::MemberUpdated => "member.updated",
            EventKind::MemberDeleted => "member.deleted",
            EventKind::MemberPlanAdded => "member.plan.added",
            EventKind::MemberPlanCanceled => "member.plan.canceled",
            EventKind::MemberPlanUpdated => "member.plan.updated",
            EventKind::MembershipCreated => "membership.created",
            EventKind::MembershipUpdated => "membership.updated",
            EventKind::MembershipActivated => "membership.activated",
            EventKind::MembershipPaused => "membership.paused",
            EventKind::MembershipCancelled => "membership.cancelled",
            EventKind::MembershipExpired => "membership.expired",
            EventKind::MembershipSwapProduct => "membership.swap-product",
            EventKind::MembershipNextOrderDateChanged => "membership.next-order-date-changed",
            EventKind::MembershipBillingIntervalChanged => "membership.billing-interval-changed",
            EventKind::MembershipBillingSuccess => "membership.billing-success",
            EventKind::MembershipBillingFailure => "membership.billing-failure",
            EventKind::MembershipBillingSkipped => "membership.billing-skipped",
        }
    }
}
