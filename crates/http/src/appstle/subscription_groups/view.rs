//! How plans and prices look as a group and its selling plans (wire contract C.6).

use crate::appstle::guide::amount;
use guildhall_domain::plan::{Interval, Plan, Price, Status};
use serde_json::{Value, json};

/// The group that a plan is.
pub(super) fn view(plan: &Plan) -> Value {
    let prices: Vec<&Price> = plan.prices.iter().filter(|price| price.status == Status::Active).collect();
    let variants: Vec<_> =
        prices.iter().map(|price| json!({ "id": price.number, "title": price_name(price) })).collect();
    let shown: Vec<_> =
        prices.iter().zip(1..).map(|(price, place)| selling_plan(plan, price, place)).collect();
    json!({
        "id": plan.number,
        "groupName": plan.name,
        "productCount": 1,
        "productVariantCount": prices.len(),
        // JSON within JSON, as the vendor has it.
        "productIds": json!([{ "id": plan.number, "title": plan.name }]).to_string(),
        "variantIds": Value::Array(variants).to_string(),
        "accessoryProductIds": "",
        "customerTag": "",
        "orderTag": "",
        "memberOrderTag": "",
        "rulesJson": null,
        "formFieldsJson": null,
        "translations": null,
        "subscriptionPlans": shown,
    })
}

/// The selling plan that a price is. What it costs stands in the discount that replaces a product's own price.
fn selling_plan(plan: &Plan, price: &Price, place: i64) -> Value {
    let (unit, count) = price.interval.parts().unwrap_or(("year", 1));
    let unit = unit.to_ascii_uppercase();
    let trial = price.trial_days > 0;
    json!({
        "id": format!("gid://shopify/SellingPlan/{}", price.number),
        "idNew": price.number.to_string(),
        "groupId": plan.number,
        "groupName": plan.name,
        "frequencyName": price_name(price),
        "frequencyDescription": plan.description,
        "frequencyCount": count,
        "frequencyInterval": unit,
        "billingFrequencyCount": count,
        "billingFrequencyInterval": unit,
        "frequencyType": "ON_PURCHASE_DAY",
        "specificDayValue": null,
        "specificMonthValue": null,
        "specificDayEnabled": false,
        "cutOff": null,
        "planType": "PAY_AS_YOU_GO",
        "prepaidFlag": "false",
        "discountEnabled": true,
        "discountType": "PRICE",
        "discountOffer": amount(price.money.minor, &price.money.currency),
        "afterCycle1": 0,
        "discountEnabled2": false,
        "discountType2": null,
        "discountOffer2": null,
        "afterCycle2": null,
        "discountEnabledMasked": true,
        "discountEnabled2Masked": false,
        "minCycles": null,
        "maxCycles": null,
        "freeTrialEnabled": trial,
        "freeTrialCount": trial.then_some(price.trial_days),
        "freeTrialInterval": trial.then_some("DAY"),
        "keepOriginalNextBillingDateAfterTrial": false,
        "memberOnly": false,
        "nonMemberOnly": false,
        "memberInclusiveTags": null,
        "memberExclusiveTags": null,
        "lifeTimeMembership": price.interval == Interval::Once,
        "rulesJson": null,
        "allowedForUpgradeDowngrade": true,
        "planSequence": place,
        // Ours: the vendor's prices are those of products, which are not here.
        "price": amount(price.money.minor, &price.money.currency),
        "currencyCode": price.money.currency.to_ascii_uppercase(),
        "variantId": price.number,
    })
}

/// What a price is called: its name, or how often it is due.
fn price_name(price: &Price) -> String {
    if let Some(name) = &price.name {
        return name.clone();
    }
    match price.interval.parts() {
        None => "Once".to_owned(),
        Some((unit, 1)) => format!("Every {unit}"),
        Some((unit, count)) => format!("Every {count} {unit}s"),
    }
}
