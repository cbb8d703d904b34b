//! PBKDF2 hashes (RFC 8018) over SHA-256 and SHA-512 from elsewhere, in three spellings. None are
//! made here.

use super::{PasswordError, encoded};
use pbkdf2::pbkdf2_hmac;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Rounds over the whole hash: one to three seconds of one core, on SHA-512 some seven.
const ROUNDS_MAX: u64 = 10_000_000;

#[derive(Clone, Copy)]
enum Digest {
    Sha256,
    Sha512,
}

/// A PBKDF2 hash with all it takes to compute it again.
#[derive(Clone)]
pub(super) struct Pbkdf2Hash {
    digest: Digest,
    rounds: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Reads the parts of `$pbkdf2-sha256$i=600000,l=32$salt$hash`, or of passlib's
    /// `$pbkdf2-sha256$29000$salt$hash`, whose base64 has `.` where others have `+`.
    pub(super) fn parse(id: &str, costs: &str, salt: &str, hash: &str) -> Result<Self, PasswordError> {
        let digest = if id == "pbkdf2-sha512" { Digest::Sha512 } else { Digest::Sha256 };
        if !costs.contains('=') {
            let salt = encoded::salt(&salt.replace('.', "+"), &encoded::PHC)?;
            let output = encoded::hash(&hash.replace('.', "+"), &encoded::PHC)?;
            return Self::checked(digest, encoded::decimal(costs)?, salt, output);
        }
        let [rounds, length] = encoded::costs(costs, ["i", "l"])?;
        let salt = encoded::salt(salt, &encoded::PHC)?;
        let output = encoded::hash(hash, &encoded::PHC)?;
        if length.is_some_and(|length| length as usize != output.len()) {
            return Err(PasswordError::Malformed("its hash is not as long as `l` says"));
        }
        Self::checked(digest, encoded::required(rounds)?, salt, output)
    }

    /// Reads the parts of Django's `pbkdf2_sha256$600000$salt$hash`, whose salt is plain text.
    pub(super) fn parse_django(rounds: &str, salt: &str, hash: &str) -> Result<Self, PasswordError> {
        let output = encoded::hash(hash, &encoded::PADDED)?;
        Self::checked(Digest::Sha256, encoded::decimal(rounds)?, salt.into(), output)
    }

    fn checked(digest: Digest, rounds: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, PasswordError> {
        let rounds = encoded::required(Some(rounds))?;
        let digest_bytes = match digest {
            Digest::Sha256 => 32,
            Digest::Sha512 => 64,
        };
        // A hash longer than the digest runs all rounds again for each further digest.
        let runs = output.len().div_ceil(digest_bytes) as u64;
        encoded::at_most(u64::from(rounds) * runs, ROUNDS_MAX, "number of PBKDF2 rounds")?;
        Ok(Self { digest, rounds, salt, output })
    }

    /// Whether this password makes this hash.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        match self.digest {
            Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, &self.salt, self.rounds, &mut output),
            Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, &self.salt, self.rounds, &mut output),
        }
        output.ct_eq(&self.output).into()
    }
}
