//! Custom fields: which extra facts an app keeps about its members.

use crate::ids::CustomFieldId;
use serde_json::{Map, Value};

/// How many custom fields one app may define (Memberstack's own limit).
pub const CUSTOM_FIELDS_MAX: i64 = 100;

/// The fields that every new app starts with, as key and label.
pub const STARTING_FIELDS: [(&str, &str); 2] = [("first-name", "First Name"), ("last-name", "Last Name")];

/// Who sees a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Visibility {
    /// Only servers and operators.
    Private,
    /// Everyone.
    Public,
    /// Signed-in members.
    Members,
}

impl Visibility {
    /// `PRIVATE`, `PUBLIC` or `MEMBERS`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Visibility::Private => "PRIVATE",
            Visibility::Public => "PUBLIC",
            Visibility::Members => "MEMBERS",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Visibility::Private, Visibility::Public, Visibility::Members]
            .into_iter()
            .find(|visibility| visibility.as_str() == text)
    }
}

/// One defined field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// `fld_…`
    pub id: CustomFieldId,
    /// The key in `customFields`, kebab case.
    pub key: String,
    /// What people see.
    pub label: String,
    /// Whether forms leave it out.
    pub hidden: bool,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether members themselves cannot write it.
    pub restrict_to_admin: bool,
    /// Order among the fields; lower first.
    pub position: Option<i64>,
}

/// The part of `given` whose keys are defined. Unknown keys are dropped silently: that is what
/// the vendor is seen to do, and what its clients count on.
pub fn keep_defined(given: Map<String, Value>, defined: &[CustomField]) -> Map<String, Value> {
    given.into_iter().filter(|(key, _)| defined.iter().any(|field| field.key == *key)).collect()
}
