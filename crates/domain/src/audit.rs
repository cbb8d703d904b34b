//! Who changed what: the words of the audit trail.

use crate::ids::{KeyId, OperatorId};
use crate::member_id::MemberId;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A caller with this key.
    Key(KeyId),
    /// A person at the command line.
    CommandLine,
    /// A member, signed in.
    Member(MemberId),
    /// A member in the customer portal, who came by a link.
    Portal(MemberId),
    /// Somebody on an app's site who has not signed in and brought no key.
    Visitor,
    /// A person in the dashboard.
    Operator(OperatorId),
    /// The server by itself, e.g. at its first start.
    Server,
}

impl Actor {
    /// The kind and, where there is one, the id, as stored.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Actor::Key(id) => ("key", Some(id.as_str())),
            Actor::CommandLine => ("command-line", None),
            Actor::Member(id) => ("member", Some(id.as_str())),
            Actor::Portal(id) => ("portal", Some(id.as_str())),
            Actor::Visitor => ("visitor", None),
            Actor::Operator(id) => ("operator", Some(id.as_str())),
            Actor::Server => ("server", None),
        }
    }
}
