//! Operators: people who sign in to the dashboard, and what their role in an app lets them do.

use crate::scope::Action;
use std::fmt;
use std::str::FromStr;

/// The shortest password an operator may choose, in characters. Longer than a member's: it opens
/// every member's data.
pub const OPERATOR_PASSWORD_CHARS_MIN: usize = 12;

/// What an operator may do in one app. Each role may do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at everything that is no secret, change nothing.
    ReadOnly,
    /// Change everything but who the operators are.
    Admin,
    /// Everything, the operators included.
    Owner,
}

impl Role {
    /// Every role, the strongest first, as a form offers them.
    pub const ALL: [Role; 3] = [Role::Owner, Role::Admin, Role::ReadOnly];

    /// `owner`, `admin` or `read-only`, as stored and as addressed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::ReadOnly => "read-only",
        }
    }

    /// Whether this role may do this. What is not known to be a mere look needs an admin.
    pub fn allows(self, action: Action) -> bool {
        let looks = matches!(
            action,
            Action::MemberRead | Action::RecordRead | Action::ManageRead | Action::ContractRead
        );
        looks || self >= Role::Admin
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| "a role is `owner`, `admin` or `read-only`".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_operator_may_only_look() {
        for (action, looks) in [
            (Action::MemberRead, true),
            (Action::MemberWrite, false),
            (Action::RecordRead, true),
            (Action::RecordWrite, false),
            (Action::ManageRead, true),
            (Action::ManageWrite, false),
        ] {
            assert_eq!(Role::ReadOnly.allows(action), looks, "{action:?}");
            assert!(Role::Admin.allows(action) && Role::Owner.allows(action));
        }
    }

    #[test]
    fn roles_are_ordered_and_read_back() {
        assert!(Role::ReadOnly < Role::Admin && Role::Admin < Role::Owner);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
