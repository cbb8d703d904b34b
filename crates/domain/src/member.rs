//! What a member is, and how its free-form parts change.

use crate::contract::ContractSummary;
use crate::ids::PermissionId;
use crate::json::JsonObject;
use crate::member_id::{MemberId, MemberKey};
use crate::time::Timestamp;
use serde_json::{Map, Value};

/// The shortest password a member may choose, in characters (Memberstack's own rule).
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The largest member JSON, in bytes (Memberstack's own limit).
pub const JSON_BYTES_MAX: usize = 1_000_000;
/// The most keys in `metaData` (Memberstack's own limit).
pub const META_DATA_KEYS_MAX: usize = 50;
/// The longest string in `metaData` and `customFields`, in characters.
pub const VALUE_CHARS_MAX: usize = 10_000;
/// The largest `customFields` and the largest `metaData` of one member, in bytes of JSON. Lists carry
/// both for every member.
pub const FIELDS_BYTES_MAX: usize = 64 * 1024;
/// The longest redirect or image address, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// A member with its contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where the row lies; also the cursor of lists.
    pub key: MemberKey,
    /// `mem_…` or `mem_sb_…`
    pub id: MemberId,
    /// The address it signs in with, as it was given.
    pub email: Option<String>,
    /// Whether the address is known to be the member's.
    pub verified: bool,
    /// Values of the app's custom fields.
    pub custom_fields: JsonObject,
    /// Free-form pairs.
    pub meta_data: JsonObject,
    /// A free-form document.
    pub json: JsonObject,
    /// Permissions granted to this member beside those of its plans.
    pub permissions: Vec<PermissionId>,
    /// Where to go after signing in.
    pub login_redirect: Option<String>,
    /// Address of a picture.
    pub profile_image: Option<String>,
    /// The customer at Stripe, if there is one.
    pub stripe_customer_id: Option<String>,
    /// When it last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Plans it holds, oldest first.
    pub contracts: Vec<ContractSummary>,
}

/// `old` with the keys of `new` laid over it (one level deep), as `customFields` merges.
pub fn merge(mut old: Map<String, Value>, new: Map<String, Value>) -> Map<String, Value> {
    old.extend(new);
    old
}

/// As [`merge`], then without the keys whose value is falsy in JavaScript's sense: sending `""`,
/// `null`, `0` or `false` removes a key from `metaData` (observed of the vendor).
pub fn merge_meta_data(old: Map<String, Value>, new: Map<String, Value>) -> Map<String, Value> {
    let mut merged = merge(old, new);
    merged.retain(|_, value| !is_falsy(value));
    merged
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn merging_is_one_level_deep() {
        let merged = merge(map(json!({"a": {"x": 1}, "b": 2})), map(json!({"a": {"y": 1}, "c": null})));
        assert_eq!(Value::Object(merged), json!({"a": {"y": 1}, "b": 2, "c": null}));
    }

    #[test]
    fn falsy_values_leave_meta_data() {
        let merged = merge_meta_data(
            map(json!({"a": 1, "b": 2, "c": 3, "d": 4, "keep": "x"})),
            map(json!({"a": "", "b": null, "c": 0, "d": false, "list": [], "zero": 0.0})),
        );
        assert_eq!(Value::Object(merged), json!({"keep": "x", "list": []}));
    }
}
