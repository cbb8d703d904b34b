//! Members' and operators' passwords: hashing new ones, verifying stored ones.
//!
//! New passwords are hashed with argon2id at the parameters OWASP recommends. Hashes brought over
//! from another system (bcrypt, scrypt, PBKDF2, other argon2) verify as they are, and each gives
//! way to one of ours the first time its owner signs in. All of that runs on a [`PasswordPool`], a
//! few low-priority threads behind a bounded queue, because one hash costs milliseconds of
//! processor and megabytes of memory, and anyone may ask for one.
//!
//! This module knows nothing of members, stores or requests, draws no random numbers (salts are
//! arguments) and prints neither passwords nor hashes. `pool` is where the work is queued,
//! `argon2id` what our own hashes are made of; `bcrypt`, `scrypt` and `pbkdf2` read one imported
//! family each.

mod argon2id;
mod bcrypt;
mod encoded;
mod pbkdf2;
mod pool;
mod queue;
mod scrypt;

pub use self::pool::{PasswordPlace, PasswordPool, PoolSettings};

use self::argon2id::{Argon2Hash, Memory};
use self::bcrypt::BcryptHash;
use self::pbkdf2::Pbkdf2Hash;
use self::scrypt::ScryptHash;
use std::fmt;
use zeroize::Zeroizing;

/// The longest password that is hashed or verified, in bytes of UTF-8. More adds no safety and
/// would let a caller buy our processor time with a long text.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// How many bytes of salt a new hash takes. They must come from a secure source.
pub const SALT_BYTES: usize = 16;

/// The longest encoded hash that is looked at, in bytes. The longest real ones are near 200.
const ENCODED_BYTES_MAX: usize = 512;

/// Why a password could not be hashed or verified, or a stored hash not be accepted.
///
/// A wrong password is no error: it is [`Verdict::Wrong`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The password is longer than [`PASSWORD_BYTES_MAX`].
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// The hash is in no format that can be verified.
    #[error("the password hash is in no known format: argon2, bcrypt, scrypt, PBKDF2 with SHA-2")]
    Unsupported,
    /// The hash starts like a known format but is not well formed; the text names the part.
    #[error("the password hash is malformed: {0}")]
    Malformed(&'static str),
    /// Verifying the hash would take more work or memory than one sign-in may.
    #[error("the password hash is too costly to verify: its {parameter} is above {max}")]
    TooCostly {
        /// What is too high, with its unit.
        parameter: &'static str,
        /// The highest value that is accepted.
        max: u64,
    },
    /// Too many passwords are waiting already. Nothing was done; try again shortly.
    #[error("too many passwords are waiting to be hashed; try again shortly")]
    Busy,
    /// The job broke off. A fault of ours: the password may be right or wrong.
    #[error("the password could not be processed")]
    Failed,
}

/// A password in plain text: it can be hashed and verified, not printed. Its memory is wiped when
/// it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password as someone typed it, byte for byte; it may be empty, for what makes a good one is
    /// decided elsewhere.
    ///
    /// # Errors
    /// [`PasswordError::TooLong`] above [`PASSWORD_BYTES_MAX`].
    pub fn new(text: impl Into<String>) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text.into());
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(text))
    }

    /// How many characters it has.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A password's hash, as the database stores it: ours, or one imported that we can verify.
#[derive(Clone)]
pub struct PasswordHash {
    encoded: String,
    scheme: Scheme,
}

/// An encoded hash, taken apart and checked.
#[derive(Clone)]
enum Scheme {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Pbkdf2(Pbkdf2Hash),
    Scrypt(ScryptHash),
}

/// Whether a password was the right one.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It was not.
    Wrong,
    /// It was.
    Right {
        /// The hash to store in place of the one verified, when that is not made as new ones are.
        /// (A stronger one is replaced too: sign-ins cost the same for everyone.)
        upgrade: Option<PasswordHash>,
    },
}

impl PasswordHash {
    /// Reads a stored or imported hash. These are the formats, and there are no others:
    ///
    /// | format | shape |
    /// |---|---|
    /// | argon2 | `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$salt$hash`, also `argon2i`, `argon2d`; no `v` means 16 |
    /// | bcrypt | `$2b$COST$` and 53 characters, also `2a`, `2y`, `2x` |
    /// | scrypt | `$scrypt$ln=LOG2N,r=R,p=P$salt$hash` |
    /// | PBKDF2 | `$pbkdf2-sha256$i=ROUNDS,l=BYTES$salt$hash`, also `-sha512`; `l` may be absent |
    /// | PBKDF2, passlib's | `$pbkdf2-sha256$ROUNDS$salt$hash`, also `-sha512` (`.` for `+`) |
    /// | PBKDF2, Django's | `pbkdf2_sha256$ROUNDS$salt$hash` (the salt is plain text) |
    ///
    /// Costs are bounded, so that an imported hash cannot tie up a server whenever someone tries
    /// to sign in with it: argon2 256 MiB, 64 passes, 16 lanes and 4 GiB over all passes; bcrypt
    /// cost 15; scrypt 256 MiB and 1 GiB over all `p`; PBKDF2 ten million rounds.
    ///
    /// # Errors
    /// [`PasswordError::Unsupported`], [`PasswordError::Malformed`], [`PasswordError::TooCostly`].
    pub fn parse(encoded: &str) -> Result<Self, PasswordError> {
        if encoded.len() > ENCODED_BYTES_MAX {
            return Err(PasswordError::Malformed("it is longer than any hash"));
        }
        let parts: Vec<&str> = encoded.split('$').collect();
        let scheme = match *parts.as_slice() {
            ["", id @ ("argon2d" | "argon2i" | "argon2id"), version, costs, salt, hash] => {
                Scheme::Argon2(Argon2Hash::parse(id, version, costs, salt, hash)?)
            }
            ["", id @ ("argon2d" | "argon2i" | "argon2id"), costs, salt, hash] => {
                Scheme::Argon2(Argon2Hash::parse(id, "v=16", costs, salt, hash)?)
            }
            ["", variant @ ("2a" | "2b" | "2x" | "2y"), cost, salt_and_hash] => {
                Scheme::Bcrypt(BcryptHash::parse(variant, cost, salt_and_hash)?)
            }
            ["", "scrypt", costs, salt, hash] => Scheme::Scrypt(ScryptHash::parse(costs, salt, hash)?),
            ["", id @ ("pbkdf2-sha256" | "pbkdf2-sha512"), costs, salt, hash] => {
                Scheme::Pbkdf2(Pbkdf2Hash::parse(id, costs, salt, hash)?)
            }
            ["pbkdf2_sha256", rounds, salt, hash] => {
                Scheme::Pbkdf2(Pbkdf2Hash::parse_django(rounds, salt, hash)?)
            }
            _ => return Err(PasswordError::Unsupported),
        };
        Ok(Self { encoded: encoded.to_owned(), scheme })
    }

    /// The text to store. Never to a log or an answer.
    pub fn as_str(&self) -> &str {
        &self.encoded
    }

    /// Hashes the way new passwords are. Takes milliseconds; only the pool calls it.
    fn create(
        password: &Password,
        salt: [u8; SALT_BYTES],
        memory: &mut Memory,
    ) -> Result<Self, PasswordError> {
        let hash = Argon2Hash::create(password.as_bytes(), salt, memory)?;
        Ok(Self { encoded: hash.encode(), scheme: Scheme::Argon2(hash) })
    }

    /// Compares, and prepares the upgrade if one is due. Takes milliseconds, or for the costliest
    /// imports seconds; only the pool calls it.
    fn verify(
        &self,
        password: &Password,
        fresh_salt: [u8; SALT_BYTES],
        memory: &mut Memory,
    ) -> Result<Verdict, PasswordError> {
        let text = password.as_bytes();
        let right = match &self.scheme {
            Scheme::Argon2(hash) => hash.matches(text, memory)?,
            Scheme::Bcrypt(hash) => hash.matches(text),
            Scheme::Pbkdf2(hash) => hash.matches(text),
            Scheme::Scrypt(hash) => hash.matches(text)?,
        };
        if !right {
            return Ok(Verdict::Wrong);
        }
        let due = match &self.scheme {
            Scheme::Argon2(hash) => !hash.is_current(),
            // Beyond the 72 bytes that were compared, the text may be a slip of the keyboard, which
            // a new hash would turn into the password.
            Scheme::Bcrypt(_) => text.len() <= bcrypt::COMPARED_BYTES_MAX,
            Scheme::Pbkdf2(_) | Scheme::Scrypt(_) => true,
        };
        let upgrade = due.then(|| Self::create(password, fresh_salt, memory)).transpose()?;
        Ok(Verdict::Right { upgrade })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests;
