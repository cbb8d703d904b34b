//! bcrypt hashes from elsewhere. None are made here.
//!
//! bcrypt reads the first 72 bytes of a password and ignores the rest, without a word. So do we when
//! verifying one, as the system that made it did: whoever could sign in there can sign in here.

use super::{PasswordError, encoded};
use base64::Engine;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How much of a password a bcrypt hash depends on, in bytes.
pub(super) const COMPARED_BYTES_MAX: usize = 72;

const COST_MIN: u32 = 4;
/// Some two seconds of one core, three on a slow one.
const COST_MAX: u64 = 15;
const SALT_CHARS: usize = 22;
/// bcrypt drops the last of its 24 bytes.
const HASH_BYTES: usize = 23;

/// A bcrypt hash with all it takes to compute it again.
#[derive(Clone)]
pub(super) struct BcryptHash {
    /// Made by the crypt_blowfish of before 2011 (`$2x$`): see [`signed_key`].
    signed: bool,
    cost: u32,
    salt: [u8; 16],
    output: [u8; HASH_BYTES],
}

impl BcryptHash {
    /// Reads the parts of `$2b$12$`, salt and hash. `2a`, `2b` and `2y` mean the same for any text
    /// that is UTF-8.
    pub(super) fn parse(variant: &str, cost: &str, salt_and_hash: &str) -> Result<Self, PasswordError> {
        let two_digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost = two_digits
            .then(|| cost.parse().ok())
            .flatten()
            .filter(|cost| *cost >= COST_MIN)
            .ok_or(PasswordError::Malformed("its bcrypt cost is not two digits from 04 on"))?;
        encoded::at_most(cost, COST_MAX, "bcrypt cost")?;
        let (salt, hash) = salt_and_hash
            .split_at_checked(SALT_CHARS)
            .ok_or(PasswordError::Malformed("its bcrypt salt and hash are too short"))?;
        let bytes = |text| encoded::BCRYPT.decode(text).ok();
        let (salt, output) = bytes(salt)
            .and_then(|salt| salt.try_into().ok())
            .zip(bytes(hash).and_then(|hash| hash.try_into().ok()))
            .ok_or(PasswordError::Malformed("its bcrypt salt and hash are not 22 and 31 letters"))?;
        Ok(Self { signed: variant == "2x", cost, salt, output })
    }

    /// Whether this password makes this hash.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; COMPARED_BYTES_MAX]);
        let read = password.len().min(COMPARED_BYTES_MAX);
        key[..read].copy_from_slice(&password[..read]);
        // A password ends with a zero byte, if there is room for one.
        let key_len = (read + 1).min(COMPARED_BYTES_MAX);
        let output = if self.signed {
            bcrypt::bcrypt(self.cost, self.salt, signed_key(&key[..key_len]).as_slice())
        } else {
            bcrypt::bcrypt(self.cost, self.salt, &key[..key_len])
        };
        output[..HASH_BYTES].ct_eq(&self.output).into()
    }
}

/// The key that the old crypt_blowfish worked with. It packed the repeated key into 18 words
/// reading bytes as signed, so that a byte from 128 up overwrote those before it in its word with
/// ones. Those 18 words, spelled out as 72 bytes, have the proper algorithm do the same.
fn signed_key(key: &[u8]) -> Zeroizing<[u8; COMPARED_BYTES_MAX]> {
    let mut words = Zeroizing::new([0; COMPARED_BYTES_MAX]);
    let mut repeated = key.iter().cycle();
    for word in words.chunks_exact_mut(4) {
        let packed = repeated.by_ref().take(4).fold(0, |packed, byte| {
            let signed = i32::from(byte.cast_signed());
            (packed << 8) | signed.cast_unsigned()
        });
        word.copy_from_slice(&packed.to_be_bytes());
    }
    words
}
