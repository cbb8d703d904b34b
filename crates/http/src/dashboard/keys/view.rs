//! A key as the pages show it.

use crate::dashboard::desk::Desk;
use crate::dashboard::when::When;
use guildhall_domain::Mode;
use guildhall_domain::ids::KeyId;
use guildhall_domain::key::{Key, KeyKind, RateLimit};
use guildhall_domain::time::MICROS_PER_SECOND;

/// A key that was not used for so long is called stale: perhaps nobody needs it any more.
const STALE_AFTER_US: i64 = 90 * 24 * 3600 * MICROS_PER_SECOND;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Expired,
    Revoked,
}

/// One key.
pub(in crate::dashboard) struct KeyRow {
    pub id: KeyId,
    pub name: String,
    pub kind: KeyKind,
    pub mode: Option<Mode>,
    pub start: String,
    pub created: When,
    pub used: Option<When>,
    pub expires: Option<When>,
    pub revoked: Option<When>,
    /// Not used for a long time.
    pub stale: bool,
    pub scopes: Vec<&'static str>,
    pub addresses: Vec<String>,
    pub rate: String,
    pub imported: bool,
    state: State,
}

impl KeyRow {
    pub fn of(key: Key, desk: &Desk) -> Self {
        let now = desk.now();
        let state = match (key.revoked_at, key.is_active(now)) {
            (Some(_), _) => State::Revoked,
            (None, true) => State::Active,
            (None, false) => State::Expired,
        };
        let quiet_since = key.last_used_at.unwrap_or(key.created_at);
        Self {
            stale: state == State::Active && quiet_since.plus_micros(STALE_AFTER_US) < now,
            mode: key.environment.map(|(_, mode)| mode),
            created: desk.when(key.created_at),
            used: key.last_used_at.map(|at| desk.when(at)),
            expires: key.expires_at.map(|at| desk.when(at)),
            revoked: key.revoked_at.map(|at| desk.when(at)),
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            addresses: key.allowed_addresses.iter().map(ToString::to_string).collect(),
            rate: match key.rate_limit {
                RateLimit::Default => {
                    format!("{} requests a second (default)", desk.guildhall().limits().rate_limit)
                }
                RateLimit::PerSecond(limit) => format!("{limit} requests a second"),
                RateLimit::Unlimited => "No limit".to_owned(),
            },
            imported: key.imported,
            id: key.id,
            name: key.name,
            kind: key.kind,
            start: key.start,
            state,
        }
    }

    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    pub fn is_revoked(&self) -> bool {
        self.state == State::Revoked
    }

    /// What it is for, in words.
    pub fn purpose(&self) -> &'static str {
        match self.kind {
            KeyKind::Secret => "Admin REST API, from your servers",
            KeyKind::Public => "Browser API, in your pages",
            KeyKind::Store => "Memberships Admin API, for this store",
            KeyKind::Partner => "Sent beside a store key",
        }
    }
}
