//! Links to the customer portal: what their tokens look like, what is stored of them, and what they open.

use crate::key::HashedKey;
use crate::one_time::link_token;
use crate::scope::{Action, Scopes};

/// So many links of one member are kept; a newer one takes the place of the oldest.
pub const LINKS_MAX: i64 = 20;
/// The length of a token, in characters.
const TOKEN_CHARS: usize = 64;

/// What a link lets its holder do beside looking: never more than the key that asked for it may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortalPowers {
    /// Pause, resume and cancel.
    pub contracts: bool,
    /// Leave out the next charge, and take that back.
    pub billing: bool,
}

impl PortalPowers {
    /// Of a key with these scopes.
    pub fn of_scopes(scopes: Scopes) -> Self {
        Self { contracts: scopes.allow(Action::ContractWrite), billing: scopes.allow(Action::BillingWrite) }
    }
}

/// A token: 256 bits of chance as 64 hexadecimal digits.
pub fn portal_token(random: [u8; 32]) -> String {
    link_token(random)
}

/// What is stored of a token; nothing for a text that can be none.
pub fn portal_token_hash(token: &str) -> Option<HashedKey> {
    let plain = token.len() == TOKEN_CHARS && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| HashedKey::of(&format!("portal\n{token}")))
}

/// What every form carries that is made for the holder of a token. It follows from the token and tells nothing
/// about it, nor is it what is stored.
pub fn portal_form_mark(token: &str) -> String {
    let hash = HashedKey::of(&format!("portal form\n{token}"));
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_token_is_hashed() {
        let token = portal_token([0xab; 32]);
        assert!(portal_token_hash(&token).is_some());
        let (upper, longer) = (token.to_uppercase(), format!("{token}0"));
        for other in ["", "abc", &token[1..], &upper, &longer, &"é".repeat(32)] {
            assert_eq!(portal_token_hash(other), None, "{other}");
        }
    }

    #[test]
    fn the_mark_of_forms_is_neither_the_token_nor_its_hash() {
        let token = portal_token([7; 32]);
        let stored = portal_token_hash(&token).expect("a token");
        let stored: String = stored.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let mark = portal_form_mark(&token);
        assert!(mark.len() == 64 && mark != token && mark != stored);
    }

    #[test]
    fn a_link_opens_no_more_than_its_key() {
        for (scopes, contracts, billing) in [
            ("", true, true),
            ("read-only", false, false),
            ("contracts", true, false),
            ("billing", false, true),
            ("contracts,billing", true, true),
            ("read-only,contracts", false, false),
        ] {
            let powers = PortalPowers::of_scopes(Scopes::from_stored(scopes).expect("known scopes"));
            assert_eq!(powers, PortalPowers { contracts, billing }, "{scopes}");
        }
    }
}
