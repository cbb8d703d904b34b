//! Sessions: that a member signed in, how, and until when it holds.

use crate::app::EnvironmentId;
use crate::ids::SessionId;
use crate::member_id::MemberKey;
use crate::time::{MICROS_PER_SECOND, Timestamp};

/// How long a session lasts where the app says nothing else: 14 days, as the vendor's tokens do.
pub const SESSION_SECONDS_DEFAULT: i64 = 14 * 24 * 3600;
/// The shortest session an app may set, in seconds.
pub const SESSION_SECONDS_MIN: i64 = 60;
/// The longest session an app may set, in seconds: a year.
pub const SESSION_SECONDS_MAX: i64 = 366 * 24 * 3600;
/// How much of a browser's name is kept, in characters.
pub const USER_AGENT_CHARS_MAX: usize = 200;

/// How a member proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    /// With its password, or by choosing one at sign-up.
    Password,
    /// With a code that was mailed to its address.
    EmailCode,
}

impl SignInMethod {
    /// `password` or `email-code`, as stored and as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            SignInMethod::Password => "password",
            SignInMethod::EmailCode => "email-code",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        [SignInMethod::Password, SignInMethod::EmailCode].into_iter().find(|method| method.as_str() == text)
    }
}

/// One sign-in of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `ses_…`
    pub id: SessionId,
    /// The member's environment.
    pub environment: EnvironmentId,
    /// Whose it is.
    pub member: MemberKey,
    /// How the member proved who it is.
    pub method: SignInMethod,
    /// Where the request came from.
    pub address: Option<String>,
    /// What the browser called itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it, and its token, end by themselves.
    pub expires_at: Timestamp,
    /// When it was ended before that.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// Whether it holds at this moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// The end of a session that begins now. Whole seconds, because the token that says the same knows
/// no fractions.
pub fn session_end(now: Timestamp, session_seconds: i64) -> Timestamp {
    Timestamp::from_seconds(now.seconds()).plus_micros(session_seconds * MICROS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_token() {
        let now = Timestamp::from_micros(5_900_000);
        assert_eq!(session_end(now, 60), Timestamp::from_seconds(65));
    }
}
