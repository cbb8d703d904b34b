//! The small texts that encoded hashes are made of: decimals, `name=value` lists and base64. Strict,
//! because a hash that is read loosely is verified wrongly.

use super::PasswordError;
use base64::Engine;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, PAD};

/// PHC strings: the standard alphabet, no padding.
pub(super) const PHC: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, NO_PAD);
/// Django: the standard alphabet, padded.
pub(super) const PADDED: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PAD);
/// bcrypt: its own alphabet. Salts that others made carry stray bits in their last character.
pub(super) const BCRYPT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// The shortest hash that is accepted, in bytes: a shorter one could be met by chance or by trying.
const HASH_BYTES_MIN: usize = 16;
/// The longest hash that is accepted, in bytes.
const HASH_BYTES_MAX: usize = 64;

/// A decimal as PHC strings write it: digits alone, no leading zero.
pub(super) fn decimal(text: &str) -> Result<u32, PasswordError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (digits && canonical)
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(PasswordError::Malformed("a cost is not a plain decimal number"))
}

/// A list such as `m=19456,t=2,p=1`. The values come back in the order of `names`, `None` for one
/// that is absent; an unknown or repeated name is an error.
pub(super) fn costs<const N: usize>(text: &str, names: [&str; N]) -> Result<[Option<u32>; N], PasswordError> {
    let mut values = [None; N];
    for item in text.split(',') {
        let (name, value) =
            item.split_once('=').ok_or(PasswordError::Malformed("its costs are not `name=value`"))?;
        let place = names
            .iter()
            .position(|known| *known == name)
            .ok_or(PasswordError::Malformed("it has a parameter that is not known"))?;
        if values[place].replace(decimal(value)?).is_some() {
            return Err(PasswordError::Malformed("a parameter stands there twice"));
        }
    }
    Ok(values)
}

/// A cost that must be there.
pub(super) fn required(cost: Option<u32>) -> Result<u32, PasswordError> {
    cost.filter(|cost| *cost > 0).ok_or(PasswordError::Malformed("a cost is missing or zero"))
}

/// Refuses a cost above the highest one that is verified here.
pub(super) fn at_most(value: impl Into<u64>, max: u64, parameter: &'static str) -> Result<(), PasswordError> {
    if value.into() > max {
        return Err(PasswordError::TooCostly { parameter, max });
    }
    Ok(())
}

/// The bytes of a salt.
pub(super) fn salt(text: &str, alphabet: &GeneralPurpose) -> Result<Vec<u8>, PasswordError> {
    alphabet.decode(text).map_err(|_| PasswordError::Malformed("its salt is not base64"))
}

/// The bytes of a hash, which must be of a sound length.
pub(super) fn hash(text: &str, alphabet: &GeneralPurpose) -> Result<Vec<u8>, PasswordError> {
    let bytes = alphabet.decode(text).map_err(|_| PasswordError::Malformed("its hash is not base64"))?;
    if !(HASH_BYTES_MIN..=HASH_BYTES_MAX).contains(&bytes.len()) {
        return Err(PasswordError::Malformed("its hash is not 16 to 64 bytes long"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_digits_without_leading_zeros() {
        assert_eq!(decimal("0"), Ok(0));
        assert_eq!(decimal("4294967295"), Ok(u32::MAX));
        for wrong in ["", "-1", "+1", "01", " 1", "1e3", "4294967296", "١"] {
            assert!(decimal(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn costs_come_in_any_order_but_only_known_and_once() {
        assert_eq!(costs("p=1,m=8", ["m", "t", "p"]), Ok([Some(8), None, Some(1)]));
        for wrong in ["", "m", "m=", "m=1,", "m=1,m=1", "m=1,keyid=3", "M=1"] {
            assert!(costs(wrong, ["m"]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn hashes_that_chance_could_meet_are_refused() {
        assert!(hash("AAAA", &PHC).is_err());
        assert!(hash(&"A".repeat(20), &PHC).is_err());
        assert_eq!(hash(&"A".repeat(22), &PHC).map(|bytes| bytes.len()), Ok(16));
        assert!(hash(&"A".repeat(87), &PHC).is_err());
    }
}
