//! The codec between a member's public id and the place of its row.
//!
//! A member read should cost one descent of one tree. So the public id of a member made here
//! *is* the row's place, sealed: `mem_` or `mem_sb_`, then `c` and 24 base-36 characters, 12 of
//! which are random (the nonce) and 12 of which are the member's sequence number masked with a
//! keyed hash of the nonce. Without the installation's secret an id tells neither how many
//! members there are nor what the next id will be.
//!
//! An id that came from elsewhere (an import keeps the vendor's ids) does not open; it is found
//! through an index on the text. See `docs/decisions/0002-member-ids.md`.

use crate::app::{EnvironmentId, Mode};
use crate::ids::{read_base36, write_base36};
use siphasher::sip::SipHasher24;
use std::fmt;
use std::hash::Hasher;

/// Bits of a member's sequence number within its environment.
pub(crate) const SEQUENCE_BITS: u32 = 40;
/// The largest sequence number: about 10^12 members in one environment.
pub const SEQUENCE_MAX: i64 = (1 << SEQUENCE_BITS) - 1;
/// From here on, the numbers of customers are made from places; below, they are given.
pub const CUSTOMER_NUMBERS_FROM: i64 = 9_000_000_000_000_000;
pub(crate) const HALF_MASK: u64 = (1 << 62) - 1;

/// Where a member's row lies: its environment in the high bits, its sequence number in the low
/// 40. Members of one environment are neighbours in creation order, so a page of the list is one
/// range scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberKey(i64);

impl MemberKey {
    /// The key of the member with this sequence number. A number outside `0..=SEQUENCE_MAX` is
    /// brought to the nearer end, so that a caller's cursor can never leave its environment.
    pub fn new(environment: EnvironmentId, sequence: i64) -> Self {
        Self((i64::from(environment.number()) << SEQUENCE_BITS) | sequence.clamp(0, SEQUENCE_MAX))
    }

    /// As stored.
    pub const fn from_stored(key: i64) -> Self {
        Self(key)
    }

    /// As stored.
    pub const fn stored(self) -> i64 {
        self.0
    }

    /// The environment's number, as stored.
    pub const fn environment(self) -> i64 {
        self.0 >> SEQUENCE_BITS
    }

    /// The number that the Appstle dialect knows the member at this place by, unless it was given another.
    /// Exact in a double, and beyond every number that can be given.
    pub const fn customer_number(self) -> i64 {
        CUSTOMER_NUMBERS_FROM + self.sequence()
    }

    /// The place that a number was made from; nothing if it is one that can be given.
    pub fn from_customer_number(environment: EnvironmentId, number: i64) -> Option<Self> {
        let sequence = number.checked_sub(CUSTOMER_NUMBERS_FROM)?;
        (0..=SEQUENCE_MAX).contains(&sequence).then(|| Self::new(environment, sequence))
    }

    /// The number within the environment; this is what list cursors show.
    pub const fn sequence(self) -> i64 {
        self.0 & SEQUENCE_MAX
    }
}

/// A member's public id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct MemberId(String);

impl MemberId {
    /// An id as it came from a caller or from storage.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Seals and opens member ids with the installation's secret.
#[derive(Clone)]
pub struct MemberIdCodec {
    secret: (u64, u64),
}

impl MemberIdCodec {
    /// A codec over the 16 secret bytes that the database keeps.
    pub fn new(secret: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(secret);
        Self { secret: ((number >> 64) as u64, number as u64) }
    }

    /// The public id for a row. The same `nonce` and key give the same id.
    pub fn seal(&self, mode: Mode, key: MemberKey, nonce: u64) -> MemberId {
        let nonce = nonce & HALF_MASK;
        let mut text = String::with_capacity(32);
        text.push_str(prefix(mode));
        text.push('c');
        write_base36(&mut text, nonce);
        write_base36(&mut text, key.sequence() as u64 ^ self.mask(mode, nonce));
        MemberId(text)
    }

    /// The sequence number sealed in an id of this mode, if it is one of ours. The caller must
    /// still compare the id with the one stored in the row it finds.
    pub fn open(&self, mode: Mode, id: &str) -> Option<i64> {
        let body = id.strip_prefix(prefix(mode))?.as_bytes();
        if body.len() != 25 || body[0] != b'c' {
            return None;
        }
        let nonce = read_base36(&body[1..13])?;
        let sequence = read_base36(&body[13..25])? ^ self.mask(mode, nonce);
        i64::try_from(sequence).ok().filter(|s| *s <= SEQUENCE_MAX)
    }

    fn mask(&self, mode: Mode, nonce: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.secret.0, self.secret.1);
        hasher.write_u64(nonce);
        hasher.write_u8(matches!(mode, Mode::Sandbox).into());
        hasher.finish() & HALF_MASK
    }
}

/// `mem_` in live, `mem_sb_` in sandbox, as the vendor's ids are seen to start.
fn prefix(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "mem_",
        Mode::Sandbox => "mem_sb_",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn environment(number: u16) -> EnvironmentId {
        EnvironmentId::from_stored(i64::from(number) + 1).expect("a positive number")
    }

    proptest! {
        #[test]
        fn a_sealed_id_opens_to_its_sequence(
            secret: [u8; 16], nonce: u64, number: u16, sequence in 0..=SEQUENCE_MAX, sandbox: bool,
        ) {
            let codec = MemberIdCodec::new(secret);
            let mode = if sandbox { Mode::Sandbox } else { Mode::Live };
            let other = if sandbox { Mode::Live } else { Mode::Sandbox };
            let id = codec.seal(mode, MemberKey::new(environment(number), sequence), nonce);
            prop_assert_eq!(codec.open(mode, id.as_str()), Some(sequence));
            prop_assert_ne!(codec.open(other, id.as_str()), Some(sequence));
        }

        #[test]
        fn any_text_is_opened_without_a_panic(text in "\\PC{0,40}", body in "[0-9a-z]{25}") {
            let codec = MemberIdCodec::new([3; 16]);
            let _ = codec.open(Mode::Live, &text);
            let _ = codec.open(Mode::Live, &format!("mem_{body}"));
        }
    }

    #[test]
    fn a_cursor_cannot_leave_its_environment() {
        let key = MemberKey::new(environment(4), i64::MAX);
        assert_eq!(key.sequence(), SEQUENCE_MAX);
        assert!(key < MemberKey::new(environment(5), 0));
        assert!(MemberKey::new(environment(4), -9) > MemberKey::new(environment(3), SEQUENCE_MAX));
    }

    #[test]
    fn another_secret_does_not_open_it() {
        let id = MemberIdCodec::new([1; 16]).seal(Mode::Live, MemberKey::new(environment(0), 7), 99);
        assert_ne!(MemberIdCodec::new([2; 16]).open(Mode::Live, id.as_str()), Some(7));
    }
}
