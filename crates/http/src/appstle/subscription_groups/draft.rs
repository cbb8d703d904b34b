//! From the body of a new group to the draft of a plan (wire contract C.6).
//!
//! What a price of ours cannot be is refused rather than dropped: a merchant who asks for a minimum of cycles and gets
//! none would learn it from the first member who leaves.

use crate::appstle::problem::{FieldError, Problem, SUBSCRIPTION_GROUP};
use guildhall_app::fields::{Fields, wrong};
use guildhall_app::plans::{PlanDraft, PriceDraft};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, TRIAL_DAYS_MAX};
use guildhall_domain::{App, Code};
use serde_json::Value;

/// More selling plans than this are no group.
const SELLING_PLANS_MAX: usize = 100;

/// `{groupName, subscriptionPlans: [selling plan]}`; without selling plans it is free. A price that names no currency is
/// in the app's.
pub(super) fn group(fields: &mut Fields, app: &App) -> Result<PlanDraft, Problem> {
    let name = fields.text("groupName")?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| Problem::field(SUBSCRIPTION_GROUP, "groupName", "NotBlank"))?;
    let plans = fields.array("subscriptionPlans")?.unwrap_or_default();
    if plans.len() > SELLING_PLANS_MAX {
        return Err(Problem::field(SUBSCRIPTION_GROUP, "subscriptionPlans", "Size"));
    }
    let prices = plans.into_iter().enumerate().map(|(index, plan)| match plan {
        Value::Object(object) => selling_plan(Fields::new(object), index, app),
        _ => Err(wrong("subscriptionPlans", "an array of objects").into()),
    });
    Ok(PlanDraft {
        name,
        description: fields.text("description")?,
        priority: None,
        restrict_to_admin: false,
        member_limit: None,
        redirects: JsonObject::empty(),
        prices: prices.collect::<Result<_, Problem>>()?,
    })
}

fn selling_plan(mut fields: Fields, index: usize, app: &App) -> Result<PriceDraft, Problem> {
    refuse_unsupported(&mut fields)?;
    let place = Place(index);
    let currency = fields.text("currencyCode")?.unwrap_or_else(|| app.currency.clone());
    let (price, offer) = (fields.take("price"), fields.take("discountOffer"));
    let kind = fields.text("discountType")?;
    let offer = offer.filter(|_| kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("PRICE")));
    let money = price.or(offer).ok_or_else(|| place.breaks("price", "NotNull"))?;
    let money = money_of(&money, &currency.to_ascii_lowercase())
        .ok_or_else(|| place.breaks("price", "DecimalMin"))?;
    let interval =
        interval(&mut fields)?.ok_or_else(|| place.breaks("billingFrequencyInterval", "NotNull"))?;
    let trial_days = trial_days(&mut fields)?.ok_or_else(|| place.breaks("freeTrialCount", "Max"))?;
    let name = fields.text("frequencyName")?.filter(|name| !name.trim().is_empty());
    Ok(PriceDraft { name, money, interval, trial_days })
}

/// Where a selling plan stands, for complaints.
struct Place(usize);

impl Place {
    fn breaks(&self, field: &str, rule: &'static str) -> Problem {
        let field = format!("subscriptionPlans[{}].{field}", self.0);
        Problem::fields(vec![FieldError { object: SUBSCRIPTION_GROUP, field, rule }])
    }
}

/// What no price here can be.
fn refuse_unsupported(fields: &mut Fields) -> Result<(), Problem> {
    let is_set = |value: Option<Value>, nothing: &[&str]| match value {
        None | Some(Value::Bool(false)) => false,
        Some(Value::String(text)) => {
            !text.is_empty() && !nothing.iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(_) => true,
    };
    for (name, nothing) in [
        ("minCycles", &["0"][..]),
        ("maxCycles", &["0"]),
        ("planType", &["PAY_AS_YOU_GO"]),
        ("discountEnabled2", &["false"]),
        ("frequencyType", &["ON_PURCHASE_DAY"]),
        ("specificDayEnabled", &["false"]),
        ("cutOff", &["0"]),
    ] {
        if is_set(fields.take(name), nothing) {
            let message = format!("A selling plan cannot have its own {name} here.");
            return Err(Problem::alert(Code::BodyInvalid, SUBSCRIPTION_GROUP, "notSupported", message));
        }
    }
    Ok(())
}

/// A number in major units, or its text.
fn money_of(value: &Value, currency: &str) -> Option<Money> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.len() <= 32 => text.clone(),
        _ => return None,
    };
    Money::price(Money::from_major(&text, currency)?, currency)
}

/// From `lifeTimeMembership`, or the frequency of billing, or else that of delivery. Nothing if none says how often.
fn interval(fields: &mut Fields) -> Result<Option<Interval>, Problem> {
    if fields.bool("lifeTimeMembership")?.unwrap_or(false) {
        return Ok(Some(Interval::Once));
    }
    let mut named = |unit: &str, count: &str| -> Result<Option<(String, i64)>, Problem> {
        let count = fields.int(count)?.unwrap_or(1);
        Ok(fields.text(unit)?.map(|unit| (unit.to_ascii_lowercase(), count)))
    };
    let billing = named("billingFrequencyInterval", "billingFrequencyCount")?;
    let delivery = named("frequencyInterval", "frequencyCount")?;
    let Some((unit, count)) = billing.or(delivery) else { return Ok(None) };
    let count = u32::try_from(count).ok();
    Ok(count.filter(|_| unit != "once").and_then(|count| Interval::from_parts(&unit, count)))
}

/// A trial in days; a month counts 30 of them and a year 365. Nothing if it is too long.
fn trial_days(fields: &mut Fields) -> Result<Option<u32>, Problem> {
    let count = fields.int("freeTrialCount")?.unwrap_or(0);
    let unit = fields.text("freeTrialInterval")?.unwrap_or_else(|| "DAY".into());
    if !fields.bool("freeTrialEnabled")?.unwrap_or(count > 0) {
        return Ok(Some(0));
    }
    let unit_days = match unit.to_ascii_uppercase().as_str() {
        "DAY" => 1,
        "WEEK" => 7,
        "MONTH" => 30,
        "YEAR" => 365,
        _ => return Ok(None),
    };
    let days = u32::try_from(count).ok().and_then(|count| count.checked_mul(unit_days));
    Ok(days.filter(|days| *days <= TRIAL_DAYS_MAX))
}
