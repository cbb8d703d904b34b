//! Amounts of money as people read and write them.

use super::count::grouped;
use guildhall_domain::plan::Money;

/// `12,345.60 EUR`, of minor units and a lower-case code.
pub(super) fn amount(minor: i64, currency: &str) -> String {
    let major = Money::to_major(minor.saturating_abs(), currency);
    let (whole, part) =
        major.split_once('.').map_or((major.as_str(), None), |(whole, part)| (whole, Some(part)));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let sign = if minor < 0 { "-" } else { "" };
    let part = part.map(|part| format!(".{part}")).unwrap_or_default();
    format!("{sign}{whole}{part} {}", currency.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (minor, currency, text) in [
            (1_234_560, "eur", "12,345.60 EUR"),
            (0, "usd", "0.00 USD"),
            (-5, "usd", "-0.05 USD"),
            (1_500, "jpy", "1,500 JPY"),
            (1_500, "kwd", "1.500 KWD"),
        ] {
            assert_eq!(amount(minor, currency), text);
        }
    }
}
