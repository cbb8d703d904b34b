//! Contracts and attempts as Appstle's API and webhooks show them (wire contract, C.3 and C.4).

use super::ContractView;
use guildhall_domain::App;
use guildhall_domain::attempt::{Attempt, AttemptStatus};
use guildhall_domain::contract::{
    Contract, ContractStatus, Discount, DiscountValue, Life, Line, Period, PeriodUnit,
};
use guildhall_domain::plan::Money;
use guildhall_domain::time::Timestamp;
use guildhall_store::{Holder, PaymentMethod};
use serde_json::{Map, Value, json};

/// A global id of Shopify's form.
pub fn gid(noun: &str, number: impl std::fmt::Display) -> String {
    format!("gid://shopify/{noun}/{number}")
}

/// The contract-shaped object.
pub fn contract_view(view: &ContractView, _app: &App) -> Value {
    let contract = view.contract();
    let currency = &contract.terms.currency;
    let period = contract.terms.period().unwrap_or(Period { unit: PeriodUnit::Month, count: 1 });
    let delivery = contract.terms.delivery.unwrap_or(period);
    let lines: Vec<_> = contract.terms.lines.iter().map(|line| line_view(contract, line)).collect();
    let discounts: Vec<_> =
        contract.terms.discounts.iter().map(|discount| discount_view(discount, currency)).collect();
    let last = contract.progress.last_payment.as_ref();
    json!({
        "__typename": "SubscriptionContract",
        "id": gid("SubscriptionContract", contract.number),
        "status": contract.status().as_str(),
        "createdAt": seconds(contract.created_at),
        "updatedAt": seconds(contract.updated_at),
        "nextBillingDate": shown_next(contract).map(seconds),
        "lastPaymentStatus": last.map(|last| if last.paid { "SUCCEEDED" } else { "FAILED" }),
        "note": contract.notes.order_note,
        "customAttributes": pairs(&contract.notes.attributes),
        "deliveryPrice": money(contract.terms.delivery_minor, currency),
        "billingPolicy": policy(period, contract),
        "deliveryPolicy": {
            "interval": delivery.unit.as_str(), "intervalCount": delivery.count, "anchors": [],
        },
        "lines": { "nodes": lines, "pageInfo": page_info() },
        "customerPaymentMethod": view.method.as_ref().map(method_view),
        "deliveryMethod": contract.notes.address.as_ref().map(address_view),
        "discounts": { "nodes": discounts, "pageInfo": page_info() },
        "originOrder": null,
        "customer": customer_view(contract, &view.held.holder),
        "billingAttempts": { "nodes": [] },
    })
}

/// The next date as both dialects show it: of a contract that runs or rests.
fn shown_next(contract: &Contract) -> Option<Timestamp> {
    contract
        .next_billing()
        .filter(|_| contract.status().is_live() || matches!(contract.life, Life::Cancelled(_)))
}

fn policy(period: Period, contract: &Contract) -> Value {
    json!({
        "interval": period.unit.as_str(), "intervalCount": period.count, "anchors": [],
        "minCycles": contract.terms.min_cycles, "maxCycles": contract.terms.max_cycles,
    })
}

fn page_info() -> Value {
    json!({ "hasPreviousPage": false, "hasNextPage": false, "startCursor": null, "endCursor": null })
}

/// The global id of a contract's line.
pub(crate) fn line_gid(contract: i64, line: i64) -> String {
    gid("SubscriptionLine", format_args!("{contract}-{line}"))
}

fn line_view(contract: &Contract, line: &Line) -> Value {
    let (item, currency) = (&line.item, &contract.terms.currency);
    let subtotal = contract.terms.subtotal();
    // What the discounts take off altogether, shared among the lines by what they come to.
    let off = if subtotal == 0 {
        0
    } else {
        (i128::from(contract.terms.reduction()) * i128::from(line.minor()) / i128::from(subtotal)) as i64
    };
    let allocations: Vec<_> =
        (off > 0).then(|| json!({ "amount": money(off, currency), "discount": {} })).into_iter().collect();
    json!({
        "id": line_gid(contract.number, line.number),
        "sellingPlanId": item.selling_plan.map(|plan| gid("SellingPlan", plan)),
        "sellingPlanName": item.selling_plan_name,
        "productId": item.product.map(|product| gid("Product", product)),
        "variantId": gid("ProductVariant", item.variant),
        "sku": item.price,
        "title": item.title,
        "variantTitle": item.selling_plan_name,
        "quantity": line.quantity,
        "taxable": false,
        "customAttributes": pairs(&line.attributes),
        "variantImage": null,
        "currentPrice": money(item.unit_minor, currency),
        "lineDiscountedPrice": money(line.minor() - off, currency),
        "discountAllocations": allocations,
        "pricingPolicy": null,
    })
}

/// The global id of a discount.
pub(crate) fn discount_gid(id: &str) -> String {
    gid("SubscriptionManualDiscount", id)
}

fn discount_view(discount: &Discount, currency: &str) -> Value {
    let value = match discount.value {
        DiscountValue::Percentage(hundredths) => json!({ "percentage": hundredths }),
        DiscountValue::Fixed(minor) => {
            json!({ "amount": money(minor, currency), "appliesOnEachItem": false })
        }
        DiscountValue::FixedEach(minor) => {
            json!({ "amount": money(minor, currency), "appliesOnEachItem": true })
        }
    };
    json!({
        "id": discount_gid(&discount.id), "title": discount.title,
        "type": if discount.by_code { "CODE_DISCOUNT" } else { "MANUAL" }, "targetType": "LINE_ITEM",
        "recurringCycleLimit": discount.limit, "usageCount": discount.used, "rejectionReason": null,
        "value": value,
    })
}

fn method_view(method: &PaymentMethod) -> Value {
    let (month, year) = (method.expiry_month, method.expiry_year);
    json!({
        "id": gid("CustomerPaymentMethod", method.number), "revokedAt": method.revoked_at.map(seconds),
        "instrument": {
            "__typename": "CustomerCreditCard", "brand": method.brand, "firstDigits": null,
            "lastDigits": method.last_digits, "maskedNumber": format!("•••• {}", method.last_digits),
            "expiryMonth": month, "expiryYear": year, "expiresSoon": false, "name": null, "revocable": true,
        },
    })
}

/// The parts of an address that every address has, and what was given of them.
fn address_view(given: &Map<String, Value>) -> Value {
    const PARTS: [&str; 12] = [
        "firstName",
        "lastName",
        "company",
        "address1",
        "address2",
        "city",
        "province",
        "provinceCode",
        "country",
        "countryCode",
        "zip",
        "phone",
    ];
    let address: Map<_, _> = PARTS
        .iter()
        .map(|part| ((*part).to_owned(), given.get(*part).cloned().unwrap_or(Value::Null)))
        .collect();
    json!({ "__typename": "SubscriptionDeliveryMethodShipping", "address": address })
}

fn customer_view(contract: &Contract, holder: &Holder) -> Value {
    let (first, last) = names(contract, holder);
    json!({
        "id": gid("Customer", holder.number), "displayName": display_name(contract, holder),
        "email": holder.email, "firstName": first, "lastName": last, "phone": contract.notes.phone,
    })
}

/// A customer's first and last name: as they came with the contract, or else from the member's custom fields
/// `first-name` and `last-name`.
pub fn names(contract: &Contract, holder: &Holder) -> (Option<String>, Option<String>) {
    let (first, last) = own_names(holder);
    (contract.notes.first_name.clone().or(first), contract.notes.last_name.clone().or(last))
}

fn own_names(holder: &Holder) -> (Option<String>, Option<String>) {
    let fields = holder.custom_fields.to_map().unwrap_or_default();
    let field = |key: &str| {
        fields.get(key).and_then(Value::as_str).map(str::to_owned).filter(|name| !name.is_empty())
    };
    (field("first-name"), field("last-name"))
}

/// What a customer is called: first and last name, or else the address.
pub fn display_name(contract: &Contract, holder: &Holder) -> String {
    called(names(contract, holder), holder)
}

/// As [`display_name`], of a customer and no contract of theirs.
pub fn holder_name(holder: &Holder) -> String {
    called(own_names(holder), holder)
}

fn called((first, last): (Option<String>, Option<String>), holder: &Holder) -> String {
    let name = [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    if name.is_empty() { holder.email.clone().unwrap_or_default() } else { name }
}

fn pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// `MoneyV2`: the amount as text in major units.
pub(crate) fn money(minor: i64, currency: &str) -> Value {
    json!({ "amount": Money::to_major(minor, currency), "currencyCode": currency.to_ascii_uppercase() })
}

/// An amount in major units as a JSON number.
pub fn major(minor: i64, currency: &str) -> Value {
    serde_json::from_str(&Money::to_major_number(minor, currency)).unwrap_or(Value::Null)
}

/// `2026-03-01T00:00:00Z`, as this dialect shows times.
pub fn seconds(at: Timestamp) -> String {
    let iso = at.to_iso();
    format!("{}Z", &iso[..iso.len() - 5])
}

/// The number that orders are named from.
const FIRST_ORDER: i64 = 1000;

/// A billing attempt.
pub fn attempt_view(attempt: &Attempt, contract: &Contract, app: &App) -> Value {
    let paid = attempt.status == AttemptStatus::Success;
    let order = paid.then_some(attempt.number);
    let amount = major(attempt.money.minor, &attempt.money.currency);
    let usd = (attempt.money.currency == "usd").then(|| amount.clone());
    let retrying = attempt.status == AttemptStatus::Failure
        && contract.status() == ContractStatus::Active
        && matches!(&contract.life, Life::Active(active) if active.dunning.is_some());
    json!({
        "id": attempt.number,
        "shop": app.store_name(),
        "billingAttemptId": gid("SubscriptionBillingAttempt", attempt.number),
        "status": attempt.status.as_str(),
        "billingDate": seconds(attempt.due_at),
        "contractId": attempt.contract,
        "attemptCount": attempt.tries,
        "attemptTime": attempt.tried_at.map(seconds),
        "graphOrderId": order.map(|order| gid("Order", order)),
        "orderId": order,
        "orderAmount": amount,
        "orderAmountUSD": usd,
        "orderName": order.map(|order| format!("#{}", FIRST_ORDER + order)),
        "retryingNeeded": retrying,
        "applyUsageCharge": false,
        "recurringChargeId": null,
        "transactionRate": null,
        "usageChargeStatus": null,
        "transactionFailedEmailSentStatus": "UNSENT",
        "upcomingOrderEmailSentStatus": "UNSENT",
        "transactionFailedSmsSentStatus": null,
        "upcomingOrderSmsSentStatus": null,
        "securityChallengeSentStatus": null,
        "billingAttemptResponseMessage": response(attempt),
        "progressAttemptCount": 0,
        "orderNote": attempt.note,
        "variantList": serde_json::from_str::<Value>(&attempt.items).unwrap_or_default(),
        "upgradeDowngradeBilling": attempt.is_upgrade(),
    })
}

/// What the provider said, as a text of JSON; nothing before it was asked.
fn response(attempt: &Attempt) -> Option<String> {
    let key = attempt.charge_key.as_ref()?;
    let said = json!({
        "error_code": attempt.code, "error_message": attempt.message, "idempotency_key": key,
        "reference": attempt.reference,
    });
    Some(said.to_string())
}
