//! A contract as a row of the vendor's lists (wire contract C.2).

use super::guide::amount;
use guildhall_app::contracts::{Contract, HeldContract, Life, display_name, names};
pub(super) use guildhall_app::contracts::{gid, seconds};
use guildhall_domain::App;
use serde_json::{Value, json};

/// The row. Ids stand in it as numbers and as global ids; amounts are numbers in major units.
pub(super) fn row(held: &HeldContract, app: &App) -> Value {
    let (contract, holder) = (&held.contract, &held.holder);
    let (terms, notes) = (&contract.terms, &contract.notes);
    let period = terms.period();
    let delivery = terms.delivery.or(period);
    let order_amount = amount(terms.subtotal(), &terms.currency);
    let total = amount(terms.total(), &terms.currency);
    let in_usd = |value: &Value| (terms.currency == "usd").then(|| value.clone());
    let (first, last) = names(contract, holder);
    let dunning = matches!(&contract.life, Life::Active(active) if active.dunning.is_some());
    let challenged = contract.is_paused_by_challenge();
    let mut row = json!({
        "id": contract.number,
        "shop": app.store_name(),
        "subscriptionContractId": contract.number,
        "graphSubscriptionContractId": gid("SubscriptionContract", contract.number),
        "customerId": holder.number,
        "graphCustomerId": gid("Customer", holder.number),
        "customerName": display_name(contract, holder),
        "customerFirstName": first,
        "customerLastName": last,
        "customerEmail": holder.email,
        "phone": notes.phone,
        "status": contract.status().as_str().to_ascii_lowercase(),
        "billingPolicyInterval": period.map(|period| period.unit.as_str()),
        "billingPolicyIntervalCount": period.map(|period| period.count),
        "deliveryPolicyInterval": delivery.map(|period| period.unit.as_str()),
        "deliveryPolicyIntervalCount": delivery.map(|period| period.count),
        "currencyCode": terms.currency.to_ascii_uppercase(),
        "orderId": null, "graphOrderId": null, "orderName": null,
        "orderAmountUSD": in_usd(&order_amount), "orderAmount": order_amount,
        "contractAmountUSD": in_usd(&total), "contractAmount": total,
        "createdAt": seconds(contract.created_at),
        "updatedAt": seconds(contract.updated_at),
        "nextBillingDate": contract.next_billing().map(seconds),
        "startsAt": seconds(contract.created_at),
        "endsAt": contract.ends_at().map(seconds),
        "activatedOn": notes.activated_at.map(seconds),
        "pausedOn": notes.paused_at.map(seconds),
        "cancelledOn": notes.cancelled_at.map(seconds),
        "billingDateAfterTrial": contract.progress.trial_ends_at.map(seconds),
        "trialEndDate": contract.progress.trial_ends_at.map(seconds),
    });
    let rest = json!({
        "minCycles": terms.min_cycles,
        "maxCycles": terms.max_cycles,
        "autoCharge": true,
        "importedId": notes.imported_id,
        "subscriptionCreatedEmailSent": false,
        "subscriptionCreatedEmailSentStatus": "UNSENT",
        "subscriptionCreatedSmsSentStatus": null,
        "stopUpComingOrderEmail": false,
        "pausedFromActive": contract.is_paused_from_active(),
        "pausedBySecurityChallenge": challenged,
        "dunning": dunning,
        "emailBouncedOrFailed": false,
        "allowDeliveryPriceOverride": false,
        "contractDetailsJSON": details(contract),
        "cancellationFeedback": notes.cancellation_feedback,
        "cancellationNote": notes.cancellation_note,
        "orderNote": notes.order_note,
        "orderNoteAttributes": pairs(&notes.attributes),
        "upcomingSwapRule": null,
    });
    if let (Value::Object(row), Value::Object(rest)) = (&mut row, rest) {
        row.extend(rest);
    }
    row
}

/// The lines, as a text of JSON.
fn details(contract: &Contract) -> String {
    let currency = &contract.terms.currency;
    let lines = contract.terms.lines.iter().map(|line| {
        let item = &line.item;
        json!({
            "productId": item.product.map(|product| gid("Product", product)),
            "variantId": gid("ProductVariant", item.variant), "title": item.title, "productTitle": item.title,
            "variantTitle": item.selling_plan_name, "quantity": line.quantity,
            "currentPrice": amount(item.unit_minor, currency),
            "sellingPlanId": item.selling_plan.map(|plan| gid("SellingPlan", plan)),
            "sellingPlanName": item.selling_plan_name,
        })
    });
    Value::Array(lines.collect()).to_string()
}

/// Free-form pairs, as a text of JSON.
fn pairs(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter().map(|(key, value)| json!({ "key": key, "value": value }));
    Value::Array(pairs.collect()).to_string()
}
