//! A table's access rules: what somebody may do with its records who comes through the client API.
//!
//! The rules stand here and not in a dialect, so that no way to a record goes past them: whoever names a
//! table does so by an access, and the access knows who asks.

use crate::error::AppError;
use crate::tokens::SignedIn;
use guildhall_domain::Code;
use guildhall_domain::custom_field::{CustomField, Visibility};
use guildhall_domain::data_table::{AccessRule, DataTable};
use guildhall_domain::json::JsonObject;
use guildhall_domain::query::{Comparison, Filter, Operand};
use guildhall_domain::record::{Change, Changes, FieldValue, Record, Target};
use guildhall_store::RelatedMember;

/// Who asks for records.
#[derive(Clone, Debug)]
pub(crate) enum Viewer {
    /// A server or an operator, whom the rules do not bind.
    Above,
    /// Somebody who is not signed in; and what to tell it where it must be.
    Stranger(Code),
    /// A member.
    Member(SignedIn),
}

/// Which records a rule opens.
pub(super) enum Reach<'v> {
    /// All of the table.
    All,
    /// Those of this member.
    Own(&'v SignedIn),
}

impl Viewer {
    /// What a rule opens to the viewer.
    ///
    /// # Errors
    /// `AccessDenied`; for a stranger, where a member would get further, `LoginRequired` or
    /// `TokenInvalid`.
    pub(super) fn reach(&self, rule: AccessRule) -> Result<Reach<'_>, AppError> {
        match (self, rule) {
            (Viewer::Above, _) | (_, AccessRule::Public) => Ok(Reach::All),
            (_, AccessRule::AdminOnly) => Err(Code::AccessDenied.into()),
            (Viewer::Stranger(refusal), _) => Err((*refusal).into()),
            (Viewer::Member(_), AccessRule::Authenticated) => Ok(Reach::All),
            (Viewer::Member(member), AccessRule::AuthenticatedOwn) => Ok(Reach::Own(member)),
        }
    }

    /// Whose a new record is: a member's own, whatever is said; only a server says.
    pub(super) fn owner(&self, said: Option<String>) -> Option<String> {
        match self {
            Viewer::Above => said,
            Viewer::Stranger(_) => None,
            Viewer::Member(member) => Some(member.id.as_str().to_owned()),
        }
    }

    /// Whether a record is the viewer's own; nothing where nobody asks that.
    pub(super) fn owns(&self, record: &Record) -> Option<bool> {
        match self {
            Viewer::Above => None,
            Viewer::Stranger(_) => Some(false),
            Viewer::Member(member) => Some(record.owner == Some(member.key)),
        }
    }

    /// The member that `self` means.
    pub(super) fn myself(&self) -> Option<&SignedIn> {
        match self {
            Viewer::Member(member) => Some(member),
            Viewer::Above | Viewer::Stranger(_) => None,
        }
    }

    /// Whether the viewer may name members by their ids, rather than only itself.
    pub(super) fn names_members(&self) -> bool {
        matches!(self, Viewer::Above)
    }

    /// Whether the viewer may make these changes to a record. A member may point a record of others at
    /// itself, and take itself away, where it could change its own (the vendor's exception).
    pub(super) fn check_update(
        &self,
        table: &DataTable,
        record: &Record,
        changes: &Changes,
    ) -> Result<(), AppError> {
        match self.reach(table.rules.update)? {
            Reach::Own(member) if record.owner != Some(member.key) && !only_oneself(changes) => {
                Err(Code::AccessDenied.into())
            }
            Reach::All | Reach::Own(_) => Ok(()),
        }
    }

    /// Whether the viewer may delete a record.
    pub(super) fn check_delete(&self, table: &DataTable, record: &Record) -> Result<(), AppError> {
        match self.reach(table.rules.delete)? {
            Reach::Own(member) if record.owner != Some(member.key) => Err(Code::AccessDenied.into()),
            Reach::All | Reach::Own(_) => Ok(()),
        }
    }

    /// What the viewer sees of a member that a record points at: of others, the address only if it is
    /// signed in itself, and the custom fields that are not private.
    pub(super) fn see(&self, member: &mut RelatedMember, fields: &[CustomField]) {
        let seen: &[Visibility] = match self {
            Viewer::Above => return,
            Viewer::Member(me) if me.key == member.key => return,
            Viewer::Member(_) => &[Visibility::Public, Visibility::Members],
            Viewer::Stranger(_) => {
                member.email = None;
                &[Visibility::Public]
            }
        };
        let mut values = member.custom_fields.to_map().unwrap_or_default();
        values.retain(|key, _| {
            fields.iter().any(|field| field.key == *key && seen.contains(&field.visibility))
        });
        member.custom_fields = JsonObject::from_map(&values);
    }
}

impl Reach<'_> {
    /// The records of a filter that are within reach.
    pub(super) fn narrow(&self, filter: Filter) -> Filter {
        match self {
            Reach::All => filter,
            Reach::Own(member) => {
                let me = FieldValue::Text(member.id.as_str().to_owned());
                Filter::All(vec![Filter::Is(Operand::Owner, Comparison::Equal(me)), filter])
            }
        }
    }

    /// Whether a record is within reach.
    pub(super) fn holds(&self, record: &Record) -> bool {
        match self {
            Reach::All => true,
            Reach::Own(member) => record.owner == Some(member.key),
        }
    }
}

/// Whether changes do nothing but link the caller itself.
fn only_oneself(changes: &Changes) -> bool {
    let oneself = |target: &Target| matches!(target, Target::Myself);
    !changes.is_empty()
        && changes.iter().all(|(_, change)| match change {
            Change::Link { replace: false, connect, disconnect } => {
                connect.iter().chain(disconnect).all(oneself)
            }
            _ => false,
        })
}
