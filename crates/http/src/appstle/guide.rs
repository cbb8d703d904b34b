//! What the calls of the guide layer (wire contract B) share: the store they name, their lists and their words.

use super::call::Call;
use super::params::{Params, expected, missing};
use super::problem::Problem;
use guildhall_app::Access;
pub(super) use guildhall_app::contracts::major as amount;
use guildhall_domain::Code;
use guildhall_domain::contract::{Period, PeriodUnit};
use guildhall_domain::plan::Interval;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// Leave to do something in the store that `shop` names, and the parameters. A store that is missing or no domain is
/// 400; another's is the 401 of a bad key; only then are other parameters looked at.
pub(super) fn enter(call: &Call, action: Action) -> Result<(Access<'_>, Params), Problem> {
    let access = call.allow(action)?;
    let params = call.params()?;
    let shop = params.text("shop")?.filter(|shop| !shop.is_empty()).ok_or_else(|| missing("shop"))?;
    access.check_store(shop).map_err(|error| match error.code {
        Code::ShopForeign => error.into(),
        _ => expected("shop", "a domain such as your-store.myshopify.com"),
    })?;
    Ok((access, params))
}

/// `{content, totalElements}`
pub(super) fn content(rows: Vec<Value>, total: u64) -> Value {
    json!({ "content": rows, "totalElements": total })
}

/// How often something is billed, in the guide's word. A count other than one has no word of its own.
pub(super) const fn cycle(interval: Interval) -> &'static str {
    match interval {
        Interval::Once => "ONCE",
        Interval::Day(1) => "DAILY",
        Interval::Week(1) => "WEEKLY",
        Interval::Month(1) => "MONTHLY",
        Interval::Year(1) => "YEARLY",
        Interval::Day(_) | Interval::Week(_) | Interval::Month(_) | Interval::Year(_) => "CUSTOM",
    }
}

/// As [`cycle`], of a contract's period.
pub(super) const fn cycle_of(period: Period) -> &'static str {
    match (period.unit, period.count) {
        (PeriodUnit::Day, 1) => "DAILY",
        (PeriodUnit::Week, 1) => "WEEKLY",
        (PeriodUnit::Month, 1) => "MONTHLY",
        (PeriodUnit::Year, 1) => "YEARLY",
        _ => "CUSTOM",
    }
}
