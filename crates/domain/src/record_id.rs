//! The codec between a record's public id and the place of its row.
//!
//! A record made here lies at its environment's number and its own number in its data table. Its
//! public id, `c` and 24 base-36 characters like the vendor's, is that place sealed: half of it is a
//! keyed hash of the place, the other half the number masked with a keyed hash of the first half. So
//! the id follows from the place and the place from the id, and an id that was not given here does
//! not open. References are shown without looking at what they point at.
//!
//! An id that came from elsewhere (an import may keep the vendor's ids) does not open either; it is
//! found through an index on the text.

use crate::app::EnvironmentId;
use crate::ids::{read_base36, write_base36};
use crate::member_id::{HALF_MASK, SEQUENCE_BITS, SEQUENCE_MAX};
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// Where a record's row lies in its data table: its environment in the high bits, its number
/// (`internalOrder`) in the low 40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(i64);

impl RecordKey {
    /// The key of the record with this number. A number outside `0..=SEQUENCE_MAX` is brought to the
    /// nearer end, so that a caller's cursor can never leave its environment.
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

    /// The number within table and environment: the vendor's `internalOrder`.
    pub const fn sequence(self) -> i64 {
        self.0 & SEQUENCE_MAX
    }
}

/// Seals and opens record ids with the installation's secret.
#[derive(Clone)]
pub struct RecordIdCodec {
    secret: (u64, u64),
}

/// Which of the two hashes. Members' ids are sealed with the same secret and tags 0 and 1.
const PLACE: u8 = 0x10;
const MASK: u8 = 0x11;

impl RecordIdCodec {
    /// A codec over the 16 secret bytes that the database keeps.
    pub fn new(secret: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(secret);
        Self { secret: ((number >> 64) as u64, number as u64) }
    }

    /// The public id of the record at this place of the data table with this number.
    pub fn seal(&self, table: i64, key: RecordKey) -> String {
        let place = self.hash(PLACE, table, key.stored() as u64);
        let mut text = String::with_capacity(25);
        text.push('c');
        write_base36(&mut text, place);
        write_base36(&mut text, key.sequence() as u64 ^ self.hash(MASK, table, place));
        text
    }

    /// The place of a record made here, in this table and environment; nothing for any other id.
    pub fn open(&self, table: i64, environment: EnvironmentId, id: &str) -> Option<RecordKey> {
        let body = id.as_bytes();
        if body.len() != 25 || body[0] != b'c' {
            return None;
        }
        let place = read_base36(&body[1..13])?;
        let sequence = read_base36(&body[13..25])? ^ self.hash(MASK, table, place);
        let sequence = i64::try_from(sequence).ok().filter(|sequence| *sequence <= SEQUENCE_MAX)?;
        let key = RecordKey::new(environment, sequence);
        (self.hash(PLACE, table, key.stored() as u64) == place).then_some(key)
    }

    fn hash(&self, tag: u8, table: i64, number: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.secret.0, self.secret.1);
        hasher.write_u64(number);
        hasher.write_i64(table);
        hasher.write_u8(tag);
        hasher.finish() & HALF_MASK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn environment(number: i64) -> EnvironmentId {
        EnvironmentId::from_stored(number).expect("a positive number")
    }

    proptest! {
        #[test]
        fn an_id_opens_where_it_was_given_and_nowhere_else(
            secret: [u8; 16], table in 1_i64..1000, number in 1_i64..1000, sequence in 1..=SEQUENCE_MAX,
        ) {
            let codec = RecordIdCodec::new(secret);
            let key = RecordKey::new(environment(number), sequence);
            let id = codec.seal(table, key);
            prop_assert_eq!(id.len(), 25);
            prop_assert_eq!(codec.open(table, environment(number), &id), Some(key));
            prop_assert_eq!(codec.open(table + 1, environment(number), &id), None);
            prop_assert_eq!(codec.open(table, environment(number + 1), &id), None);
        }

        #[test]
        fn any_text_is_opened_without_a_panic(text in "\\PC{0,40}", body in "c[0-9a-z]{24}") {
            let codec = RecordIdCodec::new([3; 16]);
            prop_assert_eq!(codec.open(1, environment(1), &text), None);
            prop_assert_eq!(codec.open(1, environment(1), &body), None);
        }
    }
}
