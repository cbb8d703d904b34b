//! Apps (tenants) and their two environments.

use crate::contract::DunningPolicy;
use crate::ids::AppId;
use crate::time::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Which of an app's two worlds: real money and real members, or a place to try things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real members.
    Live,
    /// At most 50 members (configurable) and never real money.
    Sandbox,
}

impl Mode {
    /// `live` or `sandbox`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Sandbox => "sandbox",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "live" => Ok(Mode::Live),
            "sandbox" => Ok(Mode::Sandbox),
            _ => Err("an environment is `live` or `sandbox`".into()),
        }
    }
}

/// The number of an environment in this installation. Whoever holds one may read and write that
/// environment, so a request gets it only by asking its caller for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentId(u32);

impl EnvironmentId {
    /// The largest number, so that a member's key stays a positive 64-bit integer.
    pub const MAX: i64 = (1 << 23) - 1;

    /// As stored; nothing if the number is out of range.
    pub fn from_stored(number: i64) -> Option<Self> {
        (1..=Self::MAX).contains(&number).then_some(Self(number as u32))
    }

    /// 1 and up.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// As stored.
    pub const fn stored(self) -> i64 {
        self.0 as i64
    }
}

/// One of an app's two environments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its number in this installation.
    pub id: EnvironmentId,
    /// Live or sandbox.
    pub mode: Mode,
}

/// A tenant: one Memberstack app, one Appstle store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// `app_…`
    pub id: AppId,
    /// What operators call it.
    pub name: String,
    /// `your-store.myshopify.com`, unique in the installation, lower case.
    pub shop: Option<String>,
    /// Whether store keys work without a partner key beside them.
    pub api_access: bool,
    /// Whether members may be created without a password.
    pub passwordless: bool,
    /// How long a member's session lasts, in seconds.
    pub session_seconds: i64,
    /// Whether members may delete themselves.
    pub member_self_delete: bool,
    /// By whose clock it is billed: an IANA name, e.g. `Europe/Berlin`.
    pub time_zone: String,
    /// What contracts are in that name no currency: a lower-case ISO 4217 code.
    pub currency: String,
    /// What is done when a charge fails.
    pub dunning: DunningPolicy,
    /// When it was made.
    pub created_at: Timestamp,
}

impl App {
    /// What the Appstle dialect calls its store: the shop domain, or for an app without one a name that is
    /// made of its id and belongs to nobody else. A store of theirs always has a domain.
    pub fn store_name(&self) -> String {
        match &self.shop {
            Some(shop) => shop.clone(),
            None => format!("{}.guildhall.local", self.id.as_str().trim_start_matches(AppId::PREFIX)),
        }
    }
}

/// A shop domain in its one normal form (lower case), or nothing if the text is no
/// `….myshopify.com` or plain host name.
pub fn shop_domain(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_host = lower.len() <= 253 && lower.contains('.') && lower.split('.').all(label);
    is_host.then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_without_a_shop_still_has_a_store_name_that_is_a_domain() {
        let mut app = App {
            id: AppId::new([7; 16]),
            name: "Site".into(),
            shop: None,
            api_access: true,
            passwordless: false,
            session_seconds: 1,
            member_self_delete: true,
            time_zone: "UTC".into(),
            currency: "usd".into(),
            dunning: DunningPolicy::default(),
            created_at: Timestamp::from_micros(0),
        };
        let name = app.store_name();
        assert!(name.ends_with(".guildhall.local") && shop_domain(&name) == Some(name.clone()), "{name}");
        app.shop = Some("a.myshopify.com".into());
        assert_eq!(app.store_name(), "a.myshopify.com");
    }

    #[test]
    fn shop_domains_are_host_names() {
        assert_eq!(shop_domain("Your-Store.MyShopify.com").as_deref(), Some("your-store.myshopify.com"));
        for bad in ["", "store", "a b.com", "-a.com", "a..com", "http://a.com"] {
            assert_eq!(shop_domain(bad), None, "{bad}");
        }
    }
}
