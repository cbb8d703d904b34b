//! API keys: kinds, shapes, checksums and hashes.
//!
//! A key is shown once and stored as a hash. New keys are a prefix and 38 base-62 characters: 32
//! random ones and a 6-character CRC-32 of everything before it, so that a scanner or a typing
//! error is told from a real key without asking a server. The shape never decides whether a key
//! is valid: keys imported from elsewhere have other shapes and are found by their hash alike.

use crate::app::{EnvironmentId, Mode};
use crate::ids::{AppId, KeyId};
use crate::scope::{Action, Scopes};
use crate::time::Timestamp;
use ipnet::IpNet;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 6;
/// The longest key text that is looked at, in bytes. Longer headers are refused unread.
pub const KEY_BYTES_MAX: usize = 512;
/// The shortest key that may be imported, in bytes: shorter ones could be guessed.
pub const IMPORTED_KEY_BYTES_MIN: usize = 16;
/// How many store keys of one app may be active at a time (Appstle's own limit).
pub const STORE_KEYS_MAX: usize = 10;
/// Requests per second for a key that says nothing else (Memberstack's own limit).
pub const RATE_LIMIT_DEFAULT: u32 = 25;
/// The highest limit that can be set on a key; above it, use none.
pub const RATE_LIMIT_MAX: u32 = 100_000;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Memberstack's secret key: the Admin REST API.
    Secret,
    /// Memberstack's public key: the browser API.
    Public,
    /// An Appstle store key.
    Store,
    /// An integrator's key, valid server-wide beside a store key.
    Partner,
}

impl KeyKind {
    /// `secret`, `public`, `store` or `partner`.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyKind::Secret => "secret",
            KeyKind::Public => "public",
            KeyKind::Store => "store",
            KeyKind::Partner => "partner",
        }
    }

    /// What new keys of this kind start with.
    pub const fn prefix(self, mode: Option<Mode>) -> &'static str {
        match (self, mode) {
            (KeyKind::Secret, Some(Mode::Sandbox)) => "sk_sb_",
            (KeyKind::Secret, _) => "sk_",
            (KeyKind::Public, Some(Mode::Sandbox)) => "pk_sb_",
            (KeyKind::Public, _) => "pk_",
            (KeyKind::Store, _) => "apst_",
            (KeyKind::Partner, _) => "ptnr_",
        }
    }

    /// Whether keys of this kind are for such actions at all, whatever their scopes say.
    pub const fn is_for(self, action: Action) -> bool {
        match self {
            KeyKind::Secret => true,
            KeyKind::Store => action.is_about_contracts(),
            KeyKind::Public | KeyKind::Partner => false,
        }
    }
}

impl FromStr for KeyKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [KeyKind::Secret, KeyKind::Public, KeyKind::Store, KeyKind::Partner]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| "a key's kind is `secret`, `public`, `store` or `partner`".into())
    }
}

/// A key in full. It can be hashed and, once, revealed; it cannot be printed by accident.
#[derive(Clone)]
pub struct PlainKey(String);

impl PlainKey {
    /// A new key of our own shape. `random` must come from a secure source; bytes that would
    /// favour some letters are skipped, and nothing is returned if too few remain (draw again).
    pub fn generate(kind: KeyKind, mode: Option<Mode>, random: &[u8]) -> Option<Self> {
        let mut text = kind.prefix(mode).to_owned();
        let letters =
            random.iter().filter(|byte| **byte < 248).map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        let start = text.len();
        text.extend(letters.take(RANDOM_CHARS));
        if text.len() - start < RANDOM_CHARS {
            return None;
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Some(Self(text))
    }

    /// A key as a caller sent it. Nothing if it is empty, over-long or not visible ASCII: such a
    /// text can be no key.
    pub fn presented(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        (visible && !text.is_empty() && text.len() <= KEY_BYTES_MAX).then(|| Self(text.to_owned()))
    }

    /// A legacy key to import: as [`PlainKey::presented`], but of a safe length.
    pub fn imported(text: &str) -> Option<Self> {
        Self::presented(text).filter(|key| key.0.len() >= IMPORTED_KEY_BYTES_MIN)
    }

    /// The text, to be shown to its owner once or sent. Never to a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database stores and looks up.
    pub fn hash(&self) -> HashedKey {
        HashedKey::of(&self.0)
    }

    /// The visible start: the prefix and four characters, enough to tell one's keys apart. For a
    /// legacy key, the first four characters.
    pub fn start(&self) -> String {
        let prefix = Shape::of(&self.0).map_or("", Shape::prefix);
        self.0.chars().take(prefix.len() + 4).collect()
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainKey(..)")
    }
}

/// SHA-256 of a key's text. Enough for keys of 190 random bits: there is nothing to guess, so
/// nothing to slow down.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashedKey([u8; 32]);

impl HashedKey {
    /// The hash of a key's text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// As stored; nothing if it is not 32 bytes.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HashedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedKey(..)")
    }
}

/// Which of our shapes a text has, judged without a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The kind its prefix says.
    pub kind: KeyKind,
    /// The environment its prefix says; only `sk_` and `pk_` keys say one.
    pub mode: Option<Mode>,
    /// Whether length, letters and checksum are those of a key made by Guildhall.
    pub checksum_ok: bool,
}

impl Shape {
    /// Nothing if the text starts like no key, or holds anything but letters, digits, `_` and `-`
    /// after its prefix.
    pub fn of(text: &str) -> Option<Self> {
        let (kind, mode) = [
            (KeyKind::Secret, Some(Mode::Sandbox)),
            (KeyKind::Secret, Some(Mode::Live)),
            (KeyKind::Public, Some(Mode::Sandbox)),
            (KeyKind::Public, Some(Mode::Live)),
            (KeyKind::Store, None),
            (KeyKind::Partner, None),
        ]
        .into_iter()
        .find(|(kind, mode)| text.starts_with(kind.prefix(*mode)))?;
        let body = &text[kind.prefix(mode).len()..];
        let body_ok = body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        (body_ok && !body.is_empty()).then(|| Self { kind, mode, checksum_ok: has_checksum(text, body) })
    }

    /// The prefix that this shape was recognised by.
    pub const fn prefix(self) -> &'static str {
        self.kind.prefix(self.mode)
    }
}

fn has_checksum(text: &str, body: &str) -> bool {
    body.len() == RANDOM_CHARS + CHECKSUM_CHARS
        && body.bytes().all(|b| b.is_ascii_alphanumeric())
        && text[text.len() - CHECKSUM_CHARS..] == checksum(&text[..text.len() - CHECKSUM_CHARS])
}

/// Six base-62 characters of the CRC-32 (IEEE) of `text`, most significant first.
fn checksum(text: &str) -> String {
    let mut number = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// How many requests per second a key may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// The installation's default.
    Default,
    /// This many in any second.
    PerSecond(u32),
    /// No limit.
    Unlimited,
}

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(RateLimit::Unlimited);
        }
        match text.parse::<u32>() {
            Ok(limit) if (1..=RATE_LIMIT_MAX).contains(&limit) => Ok(RateLimit::PerSecond(limit)),
            _ => Err(format!("a rate limit is `none` or a number from 1 to {RATE_LIMIT_MAX}")),
        }
    }
}

/// A key's record: everything but the key.
#[derive(Clone, Debug)]
pub struct Key {
    /// `key_…`
    pub id: KeyId,
    /// The app it opens; partner keys have none.
    pub app: Option<AppId>,
    /// The environment it opens; partner keys have none.
    pub environment: Option<(EnvironmentId, Mode)>,
    /// What it is for.
    pub kind: KeyKind,
    /// What its owner calls it.
    pub name: String,
    /// Hash of the key.
    pub hash: HashedKey,
    /// The few first characters, for people to tell keys apart.
    pub start: String,
    /// Whether it was imported rather than made here.
    pub imported: bool,
    /// What it may do.
    pub scopes: Scopes,
    /// Where it may come from; empty: anywhere.
    pub allowed_addresses: Vec<IpNet>,
    /// How often it may come.
    pub rate_limit: RateLimit,
    /// When it was made or imported.
    pub created_at: Timestamp,
    /// When a call with it last succeeded, to within a few seconds.
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Neither revoked nor expired at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may do this: its kind is for that, and its scopes allow it.
    pub fn may(&self, action: Action) -> bool {
        self.kind.is_for(action) && self.scopes.allow(action)
    }

    /// Whether a call from `address` is allowed. An IPv4 address that arrives in its IPv6-mapped
    /// form counts as IPv4.
    pub fn allows_address(&self, address: std::net::IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed_addresses.is_empty() || self.allowed_addresses.iter().any(|net| net.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(kind: KeyKind, mode: Option<Mode>) -> String {
        let random: Vec<u8> = (0..64).map(|i| i * 3).collect();
        PlainKey::generate(kind, mode, &random).expect("enough bytes").reveal().to_owned()
    }

    #[test]
    fn new_keys_have_prefix_and_38_characters_and_a_checksum() {
        for (kind, mode, prefix) in [
            (KeyKind::Secret, Some(Mode::Live), "sk_"),
            (KeyKind::Secret, Some(Mode::Sandbox), "sk_sb_"),
            (KeyKind::Public, Some(Mode::Live), "pk_"),
            (KeyKind::Public, Some(Mode::Sandbox), "pk_sb_"),
            (KeyKind::Store, Some(Mode::Live), "apst_"),
            (KeyKind::Partner, None, "ptnr_"),
        ] {
            let text = generated(kind, mode);
            assert!(text.starts_with(prefix));
            assert_eq!(text.len(), prefix.len() + 38);
            assert!(Shape::of(&text).expect("a key's shape").checksum_ok);
        }
    }

    #[test]
    fn the_checksum_is_the_crc_32_that_everyone_has() {
        // 0xCBF43926 is the check value in CRC-32's definition; its base-62 form was worked out
        // by a program in another language.
        assert_eq!(checksum("123456789"), "3jZRME");
    }

    #[test]
    fn one_changed_letter_is_noticed() {
        let text = generated(KeyKind::Secret, Some(Mode::Sandbox));
        for place in 6..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(!Shape::of(&changed).expect("still a key's shape").checksum_ok, "{place}");
        }
    }

    #[test]
    fn a_key_is_told_from_other_text() {
        assert!(Shape::of("sk_sb_wellformedunknown").is_some());
        for no_key in ["", "nonsense", "sk_", "sk_sb_", "sk_a b", "Bearer sk_abc", "SK_abc"] {
            assert_eq!(Shape::of(no_key), None, "{no_key}");
        }
    }

    #[test]
    fn a_skewed_source_never_makes_a_short_key() {
        assert!(PlainKey::generate(KeyKind::Store, None, &[255; 64]).is_none());
    }

    #[test]
    fn neither_key_nor_hash_prints() {
        let key = PlainKey::presented("sk_sb_secretsecret").expect("visible");
        assert_eq!(format!("{key:?} {:?}", key.hash()), "PlainKey(..) HashedKey(..)");
        assert_eq!(key.start(), "sk_sb_secr");
    }

    #[test]
    fn a_store_key_is_for_contracts_and_nothing_else() {
        for action in [Action::ContractRead, Action::ContractWrite, Action::BillingWrite] {
            assert!(KeyKind::Store.is_for(action) && KeyKind::Secret.is_for(action));
            assert!(!KeyKind::Partner.is_for(action) && !KeyKind::Public.is_for(action));
        }
        for action in [Action::MemberRead, Action::RecordRead, Action::ManageRead, Action::MemberWrite] {
            assert!(!KeyKind::Store.is_for(action) && KeyKind::Secret.is_for(action));
        }
    }

    #[test]
    fn white_space_in_a_key_is_not_trimmed_away() {
        for padded in ["sk_a ", " sk_a", "sk a", "sk_\u{e9}", ""] {
            assert!(PlainKey::presented(padded).is_none(), "{padded:?}");
        }
    }
}
