#![no_main]
//! Decimals: what is read is written again as it was, and the order of stored texts is the order of the
//! numbers, which is worked out here from their digits.
//!
//! The input is one or two texts with a line end between them.

use guildhall_domain::decimal::{DIGITS_MAX, Decimal};
use libfuzzer_sys::fuzz_target;
use std::cmp::Ordering;

fuzz_target!(|text: &str| {
    let (one, other) = text.split_once('\n').unwrap_or((text, "0"));
    for text in [one, other] {
        if let Some(stored) = Decimal::from_stored(text) {
            assert_eq!(Decimal::from_stored(&stored.to_stored()), Some(stored), "{text}");
        }
        if let Ok(number) = serde_json::from_str::<serde_json::Number>(text) {
            let _ = Decimal::from_json(&number);
        }
    }
    let (Some(a), Some(b)) = (Decimal::parse(one), Decimal::parse(other)) else { return };
    for (decimal, text) in [(a, one), (b, other)] {
        let shown = decimal.to_string();
        assert_eq!(by_digits(&shown, text), Ordering::Equal, "{text} is kept as {shown}");
        assert_eq!(Decimal::parse(&shown), Some(decimal));
        assert_eq!(Decimal::from_stored(&decimal.to_stored()), Some(decimal), "{text}");
        assert!(shown.bytes().filter(u8::is_ascii_digit).count() <= 2 * DIGITS_MAX + 1);
    }
    assert_eq!(
        a.to_stored().as_bytes().cmp(b.to_stored().as_bytes()),
        by_digits(one, other),
        "{one} {other}"
    );
    assert_eq!(a.cmp(&b), by_digits(one, other), "{one} {other}");
});

/// The order of two numbers in plain notation.
fn by_digits(one: &str, other: &str) -> Ordering {
    let ((one_is_negative, one), (other_is_negative, other)) = (padded(one), padded(other));
    match (one_is_negative, other_is_negative) {
        (false, false) => one.cmp(&other),
        (true, true) => other.cmp(&one),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

/// Whether a number is below zero, and its digits with the point in the same place for all.
fn padded(text: &str) -> (bool, String) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole:0>64}{fraction:0<64}");
    (negative && digits.bytes().any(|digit| digit != b'0'), digits)
}
