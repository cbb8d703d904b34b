//! What a key may do: actions, and the scopes that grant them.

use std::fmt;
use std::str::FromStr;

/// One thing a caller may do. Every use case asks for exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read members.
    MemberRead,
    /// Create, change and delete members and their free plans.
    MemberWrite,
    /// Read data tables and their records.
    RecordRead,
    /// Create, change and delete records.
    RecordWrite,
    /// Read contracts, their attempts, and what contracts can be for.
    ContractRead,
    /// Create, change and end contracts, and offer what they can be for.
    ContractWrite,
    /// Charge, skip and move what is billed.
    BillingWrite,
    /// Read plans, permissions and custom fields through the management API.
    ManageRead,
    /// Change plans, permissions and custom fields through the management API.
    ManageWrite,
}

impl Action {
    /// Whether it changes something, which a read-only key may not.
    pub const fn is_write(self) -> bool {
        match self {
            Action::MemberWrite
            | Action::RecordWrite
            | Action::ContractWrite
            | Action::BillingWrite
            | Action::ManageWrite => true,
            Action::MemberRead | Action::RecordRead | Action::ContractRead | Action::ManageRead => false,
        }
    }

    /// Whether it is about contracts and their billing.
    pub const fn is_about_contracts(self) -> bool {
        matches!(self, Action::ContractRead | Action::ContractWrite | Action::BillingWrite)
    }
}

/// A grant that a key can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Only reads, whatever else is granted.
    ReadOnly,
    /// Members and their plans.
    Members,
    /// Data tables.
    Tables,
    /// Membership contracts.
    Contracts,
    /// Billing operations.
    Billing,
    /// The management API. Never implied: a key has it only by name.
    Manage,
}

impl Scope {
    const ALL: [Scope; 6] =
        [Scope::ReadOnly, Scope::Members, Scope::Tables, Scope::Contracts, Scope::Billing, Scope::Manage];

    /// `read-only`, `members`, `tables`, `contracts`, `billing` or `manage`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::ReadOnly => "read-only",
            Scope::Members => "members",
            Scope::Tables => "tables",
            Scope::Contracts => "contracts",
            Scope::Billing => "billing",
            Scope::Manage => "manage",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| {
            "a scope is `read-only`, `members`, `tables`, `contracts`, `billing` or `manage`".into()
        })
    }
}

/// The scopes of one key. None at all means what the vendors' keys mean: everything but
/// management.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Of these scopes.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// The scopes, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether a key with these scopes may do this.
    pub fn allow(self, action: Action) -> bool {
        if action.is_write() && self.has(Scope::ReadOnly) {
            return false;
        }
        match action {
            Action::ManageRead | Action::ManageWrite => self.has(Scope::Manage),
            Action::MemberRead | Action::MemberWrite => self.covers(Scope::Members),
            Action::RecordRead | Action::RecordWrite => self.covers(Scope::Tables),
            // Who bills has to see what.
            Action::ContractRead => self.covers(Scope::Contracts) || self.covers(Scope::Billing),
            Action::ContractWrite => self.covers(Scope::Contracts),
            Action::BillingWrite => self.covers(Scope::Billing),
        }
    }

    /// Named, or nothing named at all (`read-only` names no area).
    fn covers(self, area: Scope) -> bool {
        self.has(area) || self.0 & !Scope::ReadOnly.bit() == 0
    }

    /// Comma-separated, as stored; empty for none.
    pub fn to_stored(self) -> String {
        self.iter().map(Scope::as_str).collect::<Vec<_>>().join(",")
    }

    /// As stored; nothing if a name is unknown.
    pub fn from_stored(text: &str) -> Option<Self> {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(|name| name.parse().ok()).collect::<Option<Vec<Scope>>>().map(Self::of)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({})", self.to_stored())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{
        BillingWrite, ContractRead, ContractWrite, ManageRead, ManageWrite, MemberRead, MemberWrite,
        RecordRead, RecordWrite,
    };

    #[test]
    fn the_table_of_scopes_and_actions() {
        let contracts = [ContractRead, ContractWrite, BillingWrite];
        let rest = [MemberRead, MemberWrite, RecordRead, RecordWrite, ManageRead, ManageWrite];
        let all = [rest.as_slice(), &contracts].concat();
        for (stored, allowed) in [
            ("", [&rest[..4], &contracts].concat()),
            ("read-only", vec![MemberRead, RecordRead, ContractRead]),
            ("members", vec![MemberRead, MemberWrite]),
            ("read-only,members", vec![MemberRead]),
            ("tables", vec![RecordRead, RecordWrite]),
            ("read-only,tables", vec![RecordRead]),
            ("contracts", vec![ContractRead, ContractWrite]),
            ("read-only,contracts", vec![ContractRead]),
            ("billing", vec![ContractRead, BillingWrite]),
            ("read-only,billing", vec![ContractRead]),
            ("contracts,billing", contracts.to_vec()),
            ("manage", vec![ManageRead, ManageWrite]),
            ("read-only,manage", vec![ManageRead]),
            ("members,manage", vec![MemberRead, MemberWrite, ManageRead, ManageWrite]),
        ] {
            let scopes = Scopes::from_stored(stored).expect("known scopes");
            for action in all.iter().copied() {
                assert_eq!(scopes.allow(action), allowed.contains(&action), "{stored}: {action:?}");
            }
            assert_eq!(Scopes::from_stored(&scopes.to_stored()), Some(scopes));
        }
    }

    #[test]
    fn an_unknown_scope_is_not_ignored() {
        assert_eq!(Scopes::from_stored("members,everything"), None);
    }
}
