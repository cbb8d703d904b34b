//! Plans, their prices, and the permissions they grant.

use crate::ids::{AppId, PermissionId, PlanId, PriceId};
use crate::json::JsonObject;
use crate::time::Timestamp;
use std::str::FromStr;

/// Whether a plan or price can still be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It can.
    Active,
    /// Kept for those who hold it; nobody new gets it.
    Inactive,
}

impl Status {
    /// `ACTIVE` or `INACTIVE`, as stored and as shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Active => "ACTIVE",
            Status::Inactive => "INACTIVE",
        }
    }

    /// As stored.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Status::Active, Status::Inactive].into_iter().find(|status| status.as_str() == text)
    }
}

/// How often a price is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Paid once.
    Once,
    /// Every `count` months.
    Month(u32),
    /// Every `count` years.
    Year(u32),
    /// Every `count` weeks.
    Week(u32),
    /// Every `count` days.
    Day(u32),
}

impl Interval {
    /// The unit's name and the count; nothing for a price paid once.
    pub const fn parts(self) -> Option<(&'static str, u32)> {
        match self {
            Interval::Once => None,
            Interval::Month(count) => Some(("month", count)),
            Interval::Year(count) => Some(("year", count)),
            Interval::Week(count) => Some(("week", count)),
            Interval::Day(count) => Some(("day", count)),
        }
    }

    /// From a unit's name and a count of 1 to 100.
    pub fn from_parts(unit: &str, count: u32) -> Option<Self> {
        if !(1..=100).contains(&count) {
            return None;
        }
        match unit {
            "once" => Some(Interval::Once),
            "month" => Some(Interval::Month(count)),
            "year" => Some(Interval::Year(count)),
            "week" => Some(Interval::Week(count)),
            "day" => Some(Interval::Day(count)),
            _ => None,
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_parts(text, 1)
            .ok_or_else(|| "an interval is `day`, `week`, `month`, `year` or `once`".into())
    }
}

/// An amount of money: integer minor units (cents) of a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Minor units, e.g. cents.
    pub minor: i64,
    /// Lower-case ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// How many digits a currency's minor unit stands behind the point (ISO 4217): 2 but for those without,
    /// and those with three.
    pub fn exponent(currency: &str) -> u32 {
        const NONE: [&str; 16] = [
            "bif", "clp", "djf", "gnf", "isk", "jpy", "kmf", "krw", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf",
            "xof", "xpf",
        ];
        const THREE: [&str; 7] = ["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"];
        match currency {
            known if NONE.contains(&known) => 0,
            known if THREE.contains(&known) => 3,
            _ => 2,
        }
    }

    /// The amount in major units, exactly: `49.90`, `1000`, `-1.005`.
    pub fn to_major(minor: i64, currency: &str) -> String {
        let exponent = Self::exponent(currency);
        rust_decimal::Decimal::new(minor, exponent).to_string()
    }

    /// The amount in major units as a JSON number, without noughts at its end: `49.9`, `1000`.
    pub fn to_major_number(minor: i64, currency: &str) -> String {
        rust_decimal::Decimal::new(minor, Self::exponent(currency)).normalize().to_string()
    }

    /// Minor units of an amount in major units; nothing if it has more digits than the currency, or is not
    /// within ±10^11 minor units.
    pub fn from_major(text: &str, currency: &str) -> Option<i64> {
        let given = text.parse::<rust_decimal::Decimal>().ok()?;
        let scale = 10_i64.checked_pow(Self::exponent(currency))?;
        let minor = given.checked_mul(scale.into())?;
        let minor = minor.is_integer().then(|| i64::try_from(minor).ok())??;
        (-100_000_000_000..=100_000_000_000).contains(&minor).then_some(minor)
    }

    /// An amount that a price may have: 0 to 10^11 minor units, a three-letter currency.
    pub fn price(minor: i64, currency: &str) -> Option<Self> {
        let currency_ok = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
        (currency_ok && (0..=100_000_000_000).contains(&minor))
            .then(|| Self { minor, currency: currency.to_ascii_lowercase() })
    }
}

/// The longest trial, in days.
pub const TRIAL_DAYS_MAX: u32 = 730;

/// A price of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// `prc_…`
    pub id: PriceId,
    /// The plan it belongs to.
    pub plan: PlanId,
    /// What operators call it.
    pub name: Option<String>,
    /// How much.
    pub money: Money,
    /// How often.
    pub interval: Interval,
    /// Whether it can still be taken.
    pub status: Status,
    /// The number that the Appstle dialect knows it by, as a variant and as a selling plan. Given when it is
    /// stored; unique in the installation.
    pub number: i64,
    /// How long a new contract may be used before its first charge.
    pub trial_days: u32,
}

/// A plan: what members hold. A plan without prices is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `pln_…`
    pub id: PlanId,
    /// The app it belongs to; both environments share it.
    pub app: AppId,
    /// What members see.
    pub name: String,
    /// What operators wrote about it.
    pub description: Option<String>,
    /// Order among plans; lower first.
    pub priority: Option<i64>,
    /// Whether it can still be taken.
    pub status: Status,
    /// Whether only servers and operators may give it.
    pub restrict_to_admin: bool,
    /// How many members of one environment may hold it.
    pub member_limit: Option<i64>,
    /// Where members go after signing in and the like: `afterLogin`, `afterLogout`, `afterSignup`.
    pub redirects: JsonObject,
    /// Its prices, oldest first.
    pub prices: Vec<Price>,
    /// The permissions it grants.
    pub permissions: Vec<PermissionId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The number that the Appstle dialect knows it by, as a product and as a plan group. Given when it is
    /// stored; unique in the installation.
    pub number: i64,
}

impl Plan {
    /// Whether it costs nothing, which is what the Admin API may add and remove.
    pub fn is_free(&self) -> bool {
        self.prices.is_empty()
    }

    /// Whether a price of it can be taken: neither the price nor the plan is kept only for those who hold it.
    pub fn offers(&self, price: &Price) -> bool {
        self.status == Status::Active && price.status == Status::Active
    }
}

/// A named permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `prm_…`
    pub id: PermissionId,
    /// The name that member objects show, e.g. `can:edit`.
    pub name: String,
    /// What operators wrote about it.
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_have_sane_amounts_and_currencies() {
        assert_eq!(Money::price(500, "USD").map(|m| m.currency).as_deref(), Some("usd"));
        assert_eq!(Money::price(-1, "usd"), None);
        assert_eq!(Money::price(1, "dollars"), None);
        assert_eq!(Money::price(i64::MAX, "usd"), None);
    }

    #[test]
    fn intervals_by_name() {
        assert_eq!("month".parse(), Ok(Interval::Month(1)));
        assert_eq!("once".parse(), Ok(Interval::Once));
        assert!("fortnight".parse::<Interval>().is_err());
        assert_eq!(Interval::from_parts("month", 0), None);
    }
}
