//! The records that are stored: made from their number alone, so that every run stores the same.

use crate::value::Value;

/// The one environment that everything lies in.
pub const ENVIRONMENT: i64 = 1;
/// The data table that is measured.
pub const MEASURED: i64 = 1;
/// The one beside it, with a fifth as many records.
pub const SECOND: i64 = 2;
/// The text that a fifth of the records have.
pub const COMMON: &str = "common";

/// The second of the first record's creation, in microseconds.
const EPOCH: i64 = 1_700_000_000_000_000;
const WORDS: [&str; 16] = [
    "annual", "member", "guild", "festival", "invoice", "workshop", "river", "autumn", "letter", "garden",
    "evening", "chapter", "lantern", "archive", "council", "harvest",
];

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    /// An exact decimal, as text that sorts like the number.
    Decimal,
    Boolean,
    Date,
    Reference,
}

/// A field of the data tables.
#[derive(Debug)]
pub struct Field {
    /// Its name in the database.
    pub column: &'static str,
    /// Its name in the API.
    pub name: &'static str,
    pub kind: Kind,
    pub indexed: bool,
}

const fn field(column: &'static str, name: &'static str, kind: Kind, indexed: bool) -> Field {
    Field { column, name, kind, indexed }
}

pub const FIELDS: [Field; 8] = [
    field("f1", "segment", Kind::Text, true),
    field("f2", "score", Kind::Number, true),
    field("f3", "price", Kind::Decimal, true),
    field("f4", "active", Kind::Boolean, false),
    field("f5", "due", Kind::Date, true),
    field("f6", "notes", Kind::Text, false),
    field("f7", "parent", Kind::Reference, true),
    field("f8", "email", Kind::Text, false),
];
pub const SEGMENT: &Field = &FIELDS[0];
pub const SCORE: &Field = &FIELDS[1];
pub const NOTES: &Field = &FIELDS[5];
pub const EMAIL: &Field = &FIELDS[7];
/// The field that is added and removed.
pub const ADDED: &Field = &field("f9", "added", Kind::Text, false);

/// A record of either data table.
pub struct Record {
    pub key: i64,
    pub id: Option<String>,
    pub owner: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    /// In the order of [`FIELDS`].
    pub values: [Value; 8],
}

/// How many records there are, and how those of the two data tables mix.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Records of the measured data table.
    pub records: u64,
    /// Records of the second.
    pub second: u64,
    /// How many of the measured come last, alone, with a watch running.
    pub tail: u64,
}

impl Sample {
    pub fn new(records: u64) -> Self {
        Self { records, second: records / 5, tail: records / 20 }
    }

    /// Records of the measured data table that are there before the watch runs.
    pub fn body(&self) -> u64 {
        self.records - self.tail
    }

    /// Records of the second that precede the measured one of this number.
    pub fn second_before(&self, number: u64) -> u64 {
        number.min(self.body()) * self.second / self.body()
    }

    /// The key of the measured record of this number.
    pub fn key(&self, number: u64) -> i64 {
        key(number + 1 + self.second_before(number))
    }

    pub fn measured(&self, number: u64) -> Record {
        self.record(self.key(number), number)
    }

    /// A record of the second data table, which follows the measured one of the number `after`.
    pub fn of_second(&self, number: u64, after: u64) -> Record {
        self.record(key(after + number + 2), self.records * 4 + number)
    }

    /// One of the texts that about twenty records have.
    pub fn rare(&self, seed: u64) -> String {
        format!("segment-{}", mix(seed) % (self.records * 4 / 5 / 20).max(1))
    }

    fn record(&self, key: i64, number: u64) -> Record {
        let random = |salt: u64| mix(number * 16 + salt);
        let one_in = |salt: u64, count: u64| random(salt).is_multiple_of(count);
        let created_at = EPOCH + signed(number) * 1_000_000;
        let notes: Vec<&str> =
            (0..28).map(|word| WORDS[(mix(number * 64 + word) % WORDS.len() as u64) as usize]).collect();
        Record {
            key,
            id: one_in(1, 100).then(|| format!("imported-{number}")),
            owner: one_in(2, 2).then(|| key_of_member(random(3) % 10_000)),
            created_at,
            updated_at: created_at,
            values: [
                Value::Text(if one_in(4, 5) { COMMON.into() } else { self.rare(random(5)) }),
                if one_in(6, 50) { Value::Null } else { Value::Int(signed(random(7) % self.records)) },
                Value::Text(sortable(random(8) % 10_000_000)),
                Value::Bool(one_in(9, 2)),
                Value::Int(EPOCH + signed(random(10) % 31_536_000) * 1_000_000),
                Value::Text(notes.join(" ")),
                Value::Int(self.key(random(11) % self.records)),
                Value::Text(format!("user{}@example.com", random(12) % 100_000_000)),
            ],
        }
    }
}

/// A number that looks random (the finalizer of SplitMix64).
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number of at most 63 bits, as the databases have them.
pub fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn key(sequence: u64) -> i64 {
    ENVIRONMENT << 40 | signed(sequence)
}

fn key_of_member(sequence: u64) -> i64 {
    key(sequence + 1)
}

/// A price in hundredths as text that sorts like the number: how many digits, then the digits.
fn sortable(hundredths: u64) -> String {
    let digits = hundredths.to_string();
    format!("p{:03}{}", digits.len(), digits.trim_end_matches('0'))
}
