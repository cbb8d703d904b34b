//! Values that tell apart what is nearly the same: wildcards, quotes, case that is not ASCII's, the ends
//! of every range, decimals of far scales.

use super::Choices;
use guildhall_domain::data_table::FieldKind;
use serde_json::{Value, json};

const TEXTS: [&str; 64] = [
    "a",
    "",
    "A",
    "ab",
    "aB",
    "AB",
    "b",
    "abc",
    "abcabc",
    "cab",
    "%",
    "_",
    "a%",
    "%a%",
    "a_b",
    "axb",
    "*",
    "?",
    "'",
    "''",
    "\"",
    "\\",
    "\\%",
    "O'Brien'); DROP TABLE records_1;--",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ẞ",
    "ss",
    "SS",
    "ſ",
    "s",
    "S",
    "i",
    "İ",
    "i\u{307}",
    "I",
    "ı",
    "Σ",
    "σ",
    "ς",
    "ΑΣ",
    "\u{212a}",
    "k",
    "K",
    "Å",
    "\u{212b}",
    "😀",
    "😀a",
    "\u{10ffff}",
    "a\u{10ffff}",
    "\u{ffff}",
    "\u{fffe}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{1}",
    "a\u{1f}",
    "\u{7f}",
    "\u{85}",
    " ",
    "a b",
    "\n",
    "null",
];
const EMAILS: [&str; 8] =
    ["a@b.io", "A@b.io", "aa@b.io", "é@b.io", "É@b.io", "x%y@b.io", "o'brien@b.io", "a_b@b.io"];
const URLS: [&str; 7] = [
    "https://a.io",
    "http://a.io",
    "https://A.io/%5F?x=_",
    "https://é.io/'",
    "https://É.io/'",
    "https://a.io/",
    "https://a",
];
const DATES: [&str; 12] = [
    "2026-01-31T12:00:00Z",
    "1970-01-01",
    "1969-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2026-01-31T14:00:00+02:00",
    "2026-01-31T12:00:00.0009Z",
    "2026-01-31T12:00:00.001Z",
    "2026-01-31",
    "2024-02-29T23:59:59Z",
    "1900-03-01",
    "2026-01-31T12:00:00.999999Z",
];
const DECIMAL_TEXTS: [&str; 32] = [
    "0",
    "1",
    "-1",
    "0.1",
    "0.10",
    "-0.1",
    "9",
    "10",
    "-9",
    "-10",
    "99.99",
    "100",
    "0.05",
    "-0.05",
    "1.0",
    "1.05",
    "1.5",
    "-1.5",
    "-0.0",
    "0.0000000000000000000000000001",
    "-0.0000000000000000000000000001",
    "9999999999999999999999999999",
    "-9999999999999999999999999999",
    "1234567890.123456789",
    "1234567890.12345678",
    "0.1234567890123456789012345678",
    "12",
    "120",
    "-12",
    "-120",
    "-1.05",
    "1000000000000000000000000000",
];

/// A value that a field of this kind takes. Fields that point at something have none here.
pub fn good(choices: &mut Choices<'_>, kind: FieldKind) -> Value {
    use FieldKind::{Boolean, Date, Decimal, Email, Number, Text, TextFilterable, TextUnique, Url};
    const MAX: i64 = (1 << 53) - 1;
    match kind {
        Text | TextFilterable | TextUnique => text(choices).into(),
        Email => choices.pick(&EMAILS).into(),
        Url => choices.pick(&URLS).into(),
        Date => choices.pick(&DATES).into(),
        Boolean => choices.once_in(2).into(),
        Number => match choices.below(4) {
            0 => json!(choices.pick(&[
                0,
                1,
                -1,
                2,
                9,
                10,
                -10,
                11,
                MAX,
                -MAX,
                MAX - 1,
                1 - MAX,
                1 << 40,
                1 << 31
            ])),
            1 => json!(choices.pick(&[5.0, -0.0, 1e15, 9007199254740991.0])),
            _ => json!(choices.below(7) as i64 - 3),
        },
        Decimal => match choices.below(3) {
            0 => choices.pick(&DECIMAL_TEXTS).into(),
            1 => json!(choices.pick(&[0.1, -0.1, 1e3, 2.5e-7, 1e27, 0.3, -1e-20, 5.0, 1.05])),
            _ => json!(choices.below(200) as i64 - 100),
        },
        FieldKind::Reference | FieldKind::ReferenceMany => Value::Null,
        FieldKind::MemberReference | FieldKind::MemberReferenceMany => Value::Null,
    }
}

/// A text: one that is known to be hard, two of them in a row, or a very long one.
pub fn text(choices: &mut Choices<'_>) -> String {
    match choices.below(16) {
        12..=14 => format!("{}{}", choices.pick(&TEXTS), choices.pick(&TEXTS)),
        15 => choices.pick(&["é", "x", "\u{10ffff}"]).repeat(255),
        _ => choices.pick(&TEXTS).to_owned(),
    }
}

/// A value that fits hardly any kind.
pub fn odd(choices: &mut Choices<'_>) -> Value {
    match choices.below(12) {
        0 => json!("x".repeat(256)),
        1 => json!(1.5),
        2 => json!(1_u64 << 53),
        3 => json!("12345678901234567890123456789"),
        4 => json!(1e300),
        5 => json!([]),
        6 => json!({}),
        7 => json!("2026-02-30"),
        8 => json!(true),
        9 => json!([[1]]),
        10 => json!({ "connect": { "id": "model-gone" } }),
        _ => json!("javascript:alert(1)"),
    }
}
