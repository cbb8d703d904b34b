//! What values may be: parsed once, here, so that the rest of the program need not doubt them.

use crate::logging::{LogFormat, LogLevel};
use guildhall_http::PlanGate;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// How a value is written in `guildhall.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// An array of strings; in flags and variables, a list with commas.
    List,
}

/// A type that a setting can have.
pub(super) trait Value: Sized {
    /// What it may be, in words that follow "must be". Bounds are added for numbers.
    const ALLOWED: &'static str;
    /// How it is written in the file.
    const FORM: Form = Form::Text;
    /// The value of a text; nothing when the text is none. An empty text means "not set".
    fn parse(text: &str, bounds: (u64, u64)) -> Option<Self>;
}

impl<T: Value> Value for Option<T> {
    const ALLOWED: &'static str = T::ALLOWED;
    const FORM: Form = T::FORM;

    fn parse(text: &str, bounds: (u64, u64)) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::parse(text, bounds).map(Some) }
    }
}

impl Value for PathBuf {
    const ALLOWED: &'static str = "a path";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }
}

impl Value for String {
    const ALLOWED: &'static str = "a text without spaces";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        (!text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control()))
            .then(|| text.to_owned())
    }
}

impl Value for SocketAddr {
    const ALLOWED: &'static str = "an IP address and a port, such as `127.0.0.1:3010` or `[::]:80`";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for Vec<IpNet> {
    const ALLOWED: &'static str = "IP addresses or networks, such as `10.0.0.0/8`";
    const FORM: Form = Form::List;

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        let one = |part: &str| part.parse().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
    }
}

impl Value for LogFormat {
    const ALLOWED: &'static str = "`auto`, `json` or `text`";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for LogLevel {
    const ALLOWED: &'static str = "`off`, `error`, `warn`, `info`, `debug` or `trace`, with \
         `,target=level` after it for a part of the program";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        text.parse().ok()
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl Value for $type {
            const ALLOWED: &'static str = "a whole number";
            const FORM: Form = Form::Number;

            fn parse(text: &str, (least, most): (u64, u64)) -> Option<Self> {
                let number: u64 = text.parse().ok()?;
                (least..=most).contains(&number).then(|| Self::try_from(number).ok())?
            }
        }
    )+};
}

numbers!(u32, u64, usize);

/// What follows the scheme of a secret address: something, and no spaces.
fn follows_scheme<'a>(text: &'a str, schemes: &[&str]) -> Option<&'a str> {
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme))?;
    let visible = rest.chars().all(|c| !c.is_whitespace() && !c.is_control());
    (visible && !rest.is_empty()).then_some(rest)
}

macro_rules! secret_addresses {
    ($($(#[doc = $doc:literal])+ $name:ident: $allowed:literal, $schemes:expr;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// It holds a password and cannot be printed by accident.
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }

        impl Value for $name {
            const ALLOWED: &'static str = $allowed;

            fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
                follows_scheme(text, $schemes).map(|_| Self(text.to_owned()))
            }
        }
    )+};
}

secret_addresses! {
    /// The address of a PostgreSQL database.
    DatabaseUrl: "an address such as `postgres://user:password@host:5432/name`",
        &["postgres://", "postgresql://"];
    /// The address of a Redis or Valkey server.
    RedisUrl: "an address such as `redis://:password@host:6379`",
        &["redis://", "rediss://", "redis+unix://", "unix://"];
    /// The address of a mail server.
    SmtpUrl: "an address such as `smtps://user:password@host:465` or `smtp://user:password@host:587`",
        &["smtps://", "smtp://"];
}

impl DatabaseUrl {
    /// The address, to connect to. Never to a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl SmtpUrl {
    /// The address, to connect to. Never to a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch(pub bool);

impl Value for Switch {
    const ALLOWED: &'static str = "`on` or `off`";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        match text {
            "on" => Some(Self(true)),
            "off" => Some(Self(false)),
            _ => None,
        }
    }
}

/// What store keys meet whose app asks for a partner's key beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanGateStatus(pub PlanGate);

impl Value for PlanGateStatus {
    const ALLOWED: &'static str = "`401` or `403`";
    const FORM: Form = Form::Number;

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        match text {
            "401" => Some(Self(PlanGate::Unauthorized)),
            "403" => Some(Self(PlanGate::Forbidden)),
            _ => None,
        }
    }
}

/// A sender: an address, or a name and an address in angle brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(String);

impl Sender {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Sender {
    const ALLOWED: &'static str =
        "an address such as `no-reply@example.com` or `Site <no-reply@example.com>`";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        let address = text.rsplit_once('<').map_or(Some(text), |(_, rest)| rest.strip_suffix('>'))?;
        let plain = !text.chars().any(char::is_control);
        (plain && guildhall_domain::email::Email::parse(address).is_some()).then(|| Self(text.to_owned()))
    }
}

/// An `http` or `https` address without query and fragment, and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The address: append paths that start with a slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Value for PublicUrl {
    const ALLOWED: &'static str =
        "an address such as `https://members.example.com`, without query and fragment";

    fn parse(text: &str, _: (u64, u64)) -> Option<Self> {
        let rest = follows_scheme(text, &["https://", "http://"])?;
        let plain = rest.chars().all(|c| c.is_ascii_graphic() && !"?#@\"'<>\\`{}|^".contains(c));
        let host = rest.split(['/', ':']).next().is_some_and(|host| !host.is_empty());
        (plain && host).then(|| Self(text.trim_end_matches('/').to_owned()))
    }
}
