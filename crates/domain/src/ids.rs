//! Identifiers as callers see them: a prefix per noun and an opaque body.
//!
//! Bodies have the look of a cuid (`c` and 24 base-36 characters), because that is what code
//! written against the vendor has seen. A member's id is different inside, see
//! [`crate::member_id`].

use std::fmt;

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// 16 random bytes, drawn by whoever creates something.
pub type Entropy = [u8; 16];

/// `c` and 24 base-36 characters made of 124 of the 128 bits given.
pub fn cuid(entropy: Entropy) -> String {
    let mut out = String::with_capacity(25);
    out.push('c');
    let number = u128::from_be_bytes(entropy);
    write_base36(&mut out, (number >> 66) as u64);
    write_base36(&mut out, number as u64 >> 2);
    out
}

/// Appends a number below 36^12 as exactly 12 base-36 characters.
pub(crate) fn write_base36(out: &mut String, mut number: u64) {
    let mut digits = [b'0'; 12];
    for digit in digits.iter_mut().rev() {
        *digit = BASE36[(number % 36) as usize];
        number /= 36;
    }
    out.extend(digits.iter().map(|digit| char::from(*digit)));
}

/// The number in 12 base-36 characters, or nothing if one of them is not of the alphabet.
pub(crate) fn read_base36(text: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for byte in text {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ => return None,
        };
        number = number.checked_mul(36)?.checked_add(u64::from(digit))?;
    }
    Some(number)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from fresh entropy.
            pub fn new(entropy: Entropy) -> Self {
                Self(format!("{}{}", Self::PREFIX, cuid(entropy)))
            }

            /// An id as it came from a caller or from storage. Ids are opaque: whether it
            /// names anything is for the lookup to say.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A tenant: a Memberstack app, an Appstle store.
    AppId = "app_";
    /// A member's hold on a plan.
    ContractId = "con_";
    /// A custom-field definition.
    CustomFieldId = "fld_";
    /// A data table.
    DataTableId = "tbl_";
    /// A field of a data table. Bare, as the vendor's are.
    FieldId = "";
    /// An API key's record (never the key itself).
    KeyId = "key_";
    /// A person who signs in to the dashboard.
    OperatorId = "opr_";
    /// A one-time link for an operator.
    OperatorLinkId = "oln_";
    /// An operator's session in the dashboard.
    OperatorSessionId = "ops_";
    /// A file of members on its way in through the dashboard.
    MemberImportId = "imp_";
    /// A named permission that plans and members grant.
    PermissionId = "prm_";
    /// A plan.
    PlanId = "pln_";
    /// A price of a plan.
    PriceId = "prc_";
    /// A filter of the list of members that operators have saved.
    SavedFilterId = "flt_";
    /// A member's session.
    SessionId = "ses_";
}

impl PlanId {
    /// `pln_<slug of the name>-<8 characters>`, the look of the vendor's plan ids.
    pub fn named(name: &str, entropy: Entropy) -> Self {
        Self(format!("{}{}", Self::PREFIX, slug_with_tail(name, entropy)))
    }
}

impl PriceId {
    /// `prc_<slug of the name>-<8 characters>`.
    pub fn named(name: &str, entropy: Entropy) -> Self {
        Self(format!("{}{}", Self::PREFIX, slug_with_tail(name, entropy)))
    }
}

fn slug_with_tail(name: &str, entropy: Entropy) -> String {
    let slug = crate::text::slug(name, 24);
    let cuid = cuid(entropy);
    let tail = &cuid[cuid.len() - 8..];
    if slug.is_empty() { tail.to_owned() } else { format!("{slug}-{tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cuid_has_25_characters_of_its_alphabet() {
        for entropy in [[0; 16], [0xff; 16], [0x5a; 16]] {
            let id = cuid(entropy);
            assert_eq!(id.len(), 25, "{id}");
            assert!(id.starts_with('c'));
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        }
    }

    #[test]
    fn plan_ids_carry_the_name() {
        let id = PlanId::named("Gold Members!", [7; 16]);
        assert!(id.as_str().starts_with("pln_gold-members-"), "{id}");
        assert_eq!(id.as_str().len(), "pln_gold-members-".len() + 8);
        assert_eq!(PlanId::named("!!", [7; 16]).as_str().len(), "pln_".len() + 8);
    }

    #[test]
    fn base36_round_trips_and_refuses_other_letters() {
        let mut text = String::new();
        write_base36(&mut text, (1 << 62) - 1);
        assert_eq!(read_base36(text.as_bytes()), Some((1 << 62) - 1));
        assert_eq!(read_base36(b"00000000000A"), None);
    }
}
