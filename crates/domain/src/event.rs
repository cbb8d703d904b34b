//! What happened, for webhooks and for people. Rows of the outbox, written with the change.

/// The kind of an event, named as Memberstack's webhooks name it.
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
        }
    }
}
