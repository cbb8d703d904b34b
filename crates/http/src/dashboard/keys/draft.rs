//! The form of a new key, as it was filled in.

use crate::dashboard::form::Form;
use guildhall_app::AppError;
use guildhall_app::keys::KeyDraft;
use guildhall_domain::key::{KeyKind, RATE_LIMIT_MAX, RateLimit};
use guildhall_domain::scope::{Scope, Scopes};
use guildhall_domain::{Code, Mode, Timestamp};
use ipnet::IpNet;
use std::net::IpAddr;

/// The scopes that the form offers, with what they let a key do.
const OFFERED: [(Scope, &str); 6] = [
    (Scope::ReadOnly, "Only read, whatever else is ticked"),
    (Scope::Members, "Members and their plans"),
    (Scope::Tables, "Data tables and records"),
    (Scope::Contracts, "Membership contracts"),
    (Scope::Billing, "Billing"),
    (Scope::Manage, "The management API: plans, tables, settings"),
];

/// What the form holds, right or wrong.
pub(super) struct DraftForm {
    pub name: String,
    pub kind: String,
    pub mode: String,
    pub expires: String,
    pub addresses: String,
    pub rate: String,
    scopes: Vec<String>,
}

/// One box.
pub(super) struct ScopeBox {
    pub name: &'static str,
    pub about: &'static str,
    pub ticked: bool,
}

impl DraftForm {
    pub fn empty(mode: Mode) -> Self {
        Self {
            name: String::new(),
            kind: KeyKind::Secret.as_str().to_owned(),
            mode: mode.as_str().to_owned(),
            expires: String::new(),
            addresses: String::new(),
            rate: String::new(),
            scopes: Vec::new(),
        }
    }

    pub fn of(form: &Form) -> Self {
        let text = |name: &str| form.get(name).to_owned();
        Self {
            name: text("name"),
            kind: text("kind"),
            mode: text("environment"),
            expires: text("expires"),
            addresses: text("addresses"),
            rate: text("rate"),
            scopes: form.all("scope").map(str::to_owned).collect(),
        }
    }

    pub fn boxes(&self) -> Vec<ScopeBox> {
        let offered = OFFERED.iter().map(|(scope, about)| ScopeBox {
            name: scope.as_str(),
            about,
            ticked: self.scopes.iter().any(|ticked| ticked == scope.as_str()),
        });
        offered.collect()
    }

    /// Whether something is said under "Restrictions".
    pub fn restricts(&self) -> bool {
        let texts = [&self.expires, &self.addresses, &self.rate];
        !self.scopes.is_empty() || texts.iter().any(|text| !text.trim().is_empty())
    }

    /// What it asks for.
    ///
    /// # Errors
    /// `InputInvalid`, saying what is wrong.
    pub fn read(&self) -> Result<(Mode, KeyDraft), AppError> {
        let kind: KeyKind = self.kind.parse().map_err(wrong)?;
        let mode: Mode = self.mode.parse().map_err(wrong)?;
        let scopes: Result<Vec<Scope>, _> = self.scopes.iter().map(|scope| scope.parse()).collect();
        let draft = KeyDraft {
            scopes: Scopes::of(scopes.map_err(wrong)?),
            allowed_addresses: addresses(&self.addresses)?,
            rate_limit: match self.rate.trim() {
                "" => RateLimit::Default,
                text => text.parse().map_err(|_| {
                    let message =
                        format!("The rate limit is a number from 1 to {RATE_LIMIT_MAX}, or `none`.");
                    AppError::because(Code::InputInvalid, message)
                })?,
            },
            expires_at: expiry(&self.expires)?,
            ..KeyDraft::named(kind, &self.name)
        };
        Ok((mode, draft))
    }
}

fn wrong(reason: String) -> AppError {
    AppError::because(Code::InputInvalid, reason)
}

/// One address or network on each line, or between commas.
fn addresses(text: &str) -> Result<Vec<IpNet>, AppError> {
    let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let read = parts.map(|part| {
        let network = part.parse::<IpNet>().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
        network.ok_or_else(|| wrong(format!("`{part}` is no address or network such as 203.0.113.0/24.")))
    });
    read.collect()
}

/// The end of a day, UTC.
fn expiry(text: &str) -> Result<Option<Timestamp>, AppError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let end = text.trim().parse::<jiff::civil::Date>().ok().and_then(|date| {
        let midnight = jiff::tz::TimeZone::UTC.to_timestamp(date.tomorrow().ok()?.at(0, 0, 0, 0)).ok()?;
        Some(Timestamp::from_seconds(midnight.as_second()))
    });
    end.map(Some).ok_or_else(|| wrong("The last day is a date such as 2027-01-31.".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(change: impl FnOnce(&mut DraftForm)) -> Result<(Mode, KeyDraft), AppError> {
        let mut form = DraftForm { name: "CRM".into(), ..DraftForm::empty(Mode::Live) };
        change(&mut form);
        form.read()
    }

    #[test]
    fn an_empty_form_asks_for_a_key_as_the_vendors_know_it() {
        let (mode, draft) = filled(|_| ()).expect("it is right");
        assert_eq!((mode, draft.kind, draft.rate_limit), (Mode::Live, KeyKind::Secret, RateLimit::Default));
        assert!(draft.scopes == Scopes::default() && draft.allowed_addresses.is_empty());
        assert_eq!(draft.expires_at, None);
    }

    #[test]
    fn restrictions_are_read_and_slips_are_named() {
        let (_, draft) = filled(|form| {
            form.addresses = "203.0.113.7\n10.0.0.0/8, 2001:db8::/32".into();
            form.expires = "2027-01-31".into();
            form.rate = "none".into();
        })
        .expect("it is right");
        assert_eq!(draft.allowed_addresses.len(), 3);
        assert_eq!(draft.expires_at.map(Timestamp::to_iso).as_deref(), Some("2027-02-01T00:00:00.000Z"));
        assert_eq!(draft.rate_limit, RateLimit::Unlimited);
        assert!(filled(|form| form.addresses = "home".into()).is_err_and(|e| e.message.contains("home")));
        assert!(filled(|form| form.expires = "31.01.2027".into()).is_err());
        assert!(filled(|form| form.rate = "0".into()).is_err());
        assert!(filled(|form| form.kind = "master".into()).is_err());
    }
}
