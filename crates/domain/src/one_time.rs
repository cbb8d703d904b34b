//! One-time codes and links: what they are for, how long they hold, how often one may guess.

use crate::app::EnvironmentId;
use crate::key::HashedKey;
use crate::time::MICROS_PER_SECOND;

/// After this many wrong guesses a code is dead, and the right one is refused as well.
pub const WRONG_CODES_MAX: i64 = 5;

/// What a code lets its holder do, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Sign in without a password.
    LogIn,
    /// Sign up without a password.
    SignUp,
    /// Set a new password.
    ResetPassword,
    /// Show that an address is the member's.
    VerifyEmail,
}

impl Purpose {
    const ALL: [Purpose; 4] = [Purpose::LogIn, Purpose::SignUp, Purpose::ResetPassword, Purpose::VerifyEmail];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Purpose::LogIn => "log-in",
            Purpose::SignUp => "sign-up",
            Purpose::ResetPassword => "reset-password",
            Purpose::VerifyEmail => "verify-email",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// How long it holds, in minutes. Log-in and sign-up codes: 10, the vendor's default; reset
    /// codes: 15, the vendor's own documentation of its SDK; links in a mail: a day.
    pub const fn minutes(self) -> i64 {
        match self {
            Purpose::LogIn | Purpose::SignUp => 10,
            Purpose::ResetPassword => 15,
            Purpose::VerifyEmail => 24 * 60,
        }
    }

    /// As [`Purpose::minutes`], in microseconds.
    pub const fn life_us(self) -> i64 {
        self.minutes() * 60 * MICROS_PER_SECOND
    }
}

/// Six digits, from eight random bytes. (The bias of the remainder is below one in 10^13.)
pub fn six_digits(random: [u8; 8]) -> String {
    format!("{:06}", u64::from_be_bytes(random) % 1_000_000)
}

/// A secret for links: 32 random bytes in hexadecimal.
pub fn link_token(random: [u8; 32]) -> String {
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is stored of a code. Reset codes come back without an address and so are hashed without one;
/// log-in and sign-up codes are bound to theirs.
pub fn code_hash(environment: EnvironmentId, purpose: Purpose, email: &str, code: &str) -> HashedKey {
    let bound_to = if purpose == Purpose::ResetPassword { "" } else { email };
    HashedKey::of(&format!("{}\n{}\n{bound_to}\n{code}", environment.number(), purpose.as_str()))
}

/// What is stored of a link's token. It is long enough to be bound to nothing.
pub fn link_hash(token: &str) -> HashedKey {
    HashedKey::of(&format!("link\n{token}"))
}

/// Whether a text can be one of our codes at all.
pub fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_six_digits_whatever_is_drawn() {
        for random in [[0; 8], [0xff; 8], [1, 2, 3, 4, 5, 6, 7, 8]] {
            assert!(is_code(&six_digits(random)), "{}", six_digits(random));
        }
        for other in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"] {
            assert!(!is_code(other), "{other}");
        }
    }

    #[test]
    fn a_code_is_bound_to_its_purpose_its_environment_and_where_known_its_address() {
        let environment = |number| EnvironmentId::from_stored(number).expect("in range");
        let hash = |number, purpose, email| code_hash(environment(number), purpose, email, "123456");
        let ada = hash(1, Purpose::LogIn, "ada@x.io");
        assert_ne!(ada, hash(1, Purpose::LogIn, "eve@x.io"));
        assert_ne!(ada, hash(2, Purpose::LogIn, "ada@x.io"));
        assert_ne!(ada, hash(1, Purpose::SignUp, "ada@x.io"));
        assert_eq!(hash(1, Purpose::ResetPassword, "ada@x.io"), hash(1, Purpose::ResetPassword, ""));
    }
}
