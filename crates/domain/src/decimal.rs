//! Exact decimals, and the text that they are stored and compared as.
//!
//! Neither engine has the other's decimal type, and floats are not exact. A decimal is therefore
//! stored as a text whose order by bytes is the order of the numbers, the same on both engines:
//! `o` for zero; `p`, two digits for the exponent (plus 50) and the significant digits for a
//! positive number; `n`, the same with every digit taken from 9, and `~` for a negative one.

use rust_decimal::Decimal as Number;
use std::fmt;

/// Significant digits that a decimal may have.
pub const DIGITS_MAX: usize = 28;
/// The longest text that is looked at.
const TEXT_BYTES_MAX: usize = 64;
const EXPONENT_BIAS: i32 = 50;

/// A number with at most [`DIGITS_MAX`] significant digits and as many decimal places. Equal numbers
/// are equal, however many zeros they were written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(Number);

impl Decimal {
    /// From plain notation: `-12.50`. Nothing if it is no such text, or cannot be kept exactly.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.len() > TEXT_BYTES_MAX || !plain(whole) || !plain(fraction) {
            return None;
        }
        Self::checked(Number::from_str_exact(text).ok()?)
    }

    /// From a JSON number, as exactly as it was written: a number's shortest text is what counts.
    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        let text = number.to_string();
        match text.contains(['e', 'E']) {
            true => Self::checked(Number::from_scientific(&text).ok()?),
            false => Self::parse(&text),
        }
    }

    fn checked(number: Number) -> Option<Self> {
        let number = number.normalize();
        let digits = number.mantissa().unsigned_abs().to_string().len();
        (digits <= DIGITS_MAX).then_some(Self(number))
    }

    /// As stored; the order of such texts by bytes is the order of the numbers.
    pub fn to_stored(self) -> String {
        let digits = self.0.mantissa().unsigned_abs().to_string();
        if self.0.is_zero() {
            return "o".into();
        }
        let exponent = digits.len() as i32 - 1 - self.0.scale() as i32 + EXPONENT_BIAS;
        let significant = digits.trim_end_matches('0');
        if self.0.is_sign_positive() {
            return format!("p{exponent:02}{significant}");
        }
        let complement: String = significant.bytes().map(|b| char::from(b'0' + (b'9' - b))).collect();
        format!("n{:02}{complement}~", 99 - exponent)
    }

    /// As stored; nothing if the text is none that [`Decimal::to_stored`] writes.
    pub fn from_stored(text: &str) -> Option<Self> {
        if text == "o" {
            return Some(Self(Number::ZERO));
        }
        let (exponent, rest) = (text.get(1..3)?.parse::<i32>().ok()?, text.get(3..)?);
        let (negative, exponent, digits) = match text.as_bytes()[0] {
            b'p' => (false, exponent, rest.to_owned()),
            b'n' => {
                let digits = rest.strip_suffix('~')?.bytes();
                let digits = digits.map(|b| b.is_ascii_digit().then(|| char::from(b'0' + (b'9' - b))));
                (true, 99 - exponent, digits.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        let mantissa: i128 = digits.parse().ok()?;
        let scale = digits.len() as i32 - 1 - (exponent - EXPONENT_BIAS);
        let signed = if negative { -mantissa } else { mantissa };
        let number = match u32::try_from(scale) {
            Ok(scale) => Number::try_from_i128_with_scale(signed, scale).ok()?,
            Err(_) => Number::try_from_i128_with_scale(
                signed.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?,
                0,
            )
            .ok()?,
        };
        Some(Self(number.normalize()))
    }
}

/// Plain notation without superfluous zeros, which is a JSON number too.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_what_is_kept() {
        for (text, shown) in [
            ("9.5", "9.5"),
            ("9.50", "9.5"),
            ("-0.10", "-0.1"),
            ("0", "0"),
            ("-0.0", "0"),
            ("1000", "1000"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("9999999999999999999999999999", "9999999999999999999999999999"),
            ("007.5", "7.5"),
        ] {
            let decimal = Decimal::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(decimal.to_string(), shown);
            assert_eq!(Decimal::from_stored(&decimal.to_stored()), Some(decimal), "{}", decimal.to_stored());
        }
    }

    #[test]
    fn what_cannot_be_kept_exactly_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "+1",
            "1_000",
            " 1",
            "0x1",
            "NaN",
            "1,5",
            "--1",
            "12345678901234567890123456789",
            "0.00000000000000000000000000001",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn json_numbers_are_taken_as_written() {
        for (json, shown) in [("0.1", "0.1"), ("1e3", "1000"), ("2.5e-7", "0.00000025"), ("-7", "-7")] {
            let number: serde_json::Number = serde_json::from_str(json).expect("a number");
            assert_eq!(Decimal::from_json(&number).map(|d| d.to_string()).as_deref(), Some(shown));
        }
        let huge: serde_json::Number = serde_json::from_str("1e300").expect("a number");
        assert_eq!(Decimal::from_json(&huge), None);
    }

    proptest! {
        #[test]
        fn the_order_of_stored_texts_is_the_order_of_numbers(
            a in any::<i64>(), b in any::<i64>(), scale_a in 0_u32..20, scale_b in 0_u32..20,
        ) {
            let [a, b] = [(a, scale_a), (b, scale_b)].map(|(n, scale)| Decimal(Number::new(n, scale).normalize()));
            prop_assert_eq!(a.to_stored().as_bytes().cmp(b.to_stored().as_bytes()), a.cmp(&b));
            prop_assert_eq!(Decimal::from_stored(&a.to_stored()), Some(a));
        }

        #[test]
        fn any_stored_text_is_read_without_a_panic(text in "\\PC{0,40}") {
            let _ = Decimal::from_stored(&text);
            let _ = Decimal::parse(&text);
        }
    }
}
