//! What is done with one contract: parameters in the query, the contract-shaped object back (wire contract C.1, 10–39).

use super::answer::Answer;
use super::call::Call;
use super::contracts::{foreign, id_number, pairs, updated, updated_words, yes};
use super::params::{Params, expected, missing};
use super::problem::{CONTRACT, Problem};
use crate::body;
use crate::segment::Segment;
use axum::extract::Request;
use axum::response::Response;
use guildhall_app::contracts::{
    ContractChange, ContractStatus, ContractView, DiscountValue, LineDraft, Period, PeriodUnit, PlanMode,
};
use guildhall_app::{Access, contracts::Change};
use guildhall_domain::Code;
use guildhall_domain::contract::Item;
use guildhall_domain::plan::Money;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// A change of the contract that `contractId` names, read from the parameters.
async fn change(
    call: Call,
    action: Action,
    read: impl AsyncFnOnce(&Call, &Access<'_>, &Params, i64) -> Result<ContractChange, Problem>,
    answer: impl FnOnce(ContractView, &Access<'_>) -> Answer,
) -> Response {
    let changed = async {
        let access = call.allow(action)?;
        let params = call.params()?;
        let number = params.number("contractId")?.ok_or_else(|| missing("contractId"))?;
        let change = read(&call, &access, &params, number).await?;
        let view = call.guildhall().change_contract(&access, number, change).await.map_err(|error| {
            let line = ["lineId", "oldLineId"].map(|name| params.text(name).ok().flatten());
            match line.into_iter().flatten().next() {
                Some(line) if error.code == Code::LineNotFound => no_line(line),
                _ => foreign(error),
            }
        })?;
        Ok(answer(view, &access))
    };
    call.answer(changed.await)
}

fn object(view: ContractView, access: &Access<'_>) -> Answer {
    updated(&view, &access.definitions().app)
}

fn nothing(view: ContractView, _: &Access<'_>) -> Answer {
    let number = view.contract().number.to_string();
    Answer::no_content().alert(&updated_words(&number), &number)
}

/// `PUT subscription-contracts-update-status?contractId=&status=`: 204. The status it has is no change. A pause may
/// say for how many periods (`pauseDurationCycle`).
pub(crate) async fn status(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        let words = [
            ("ACTIVE", ContractStatus::Active),
            ("PAUSED", ContractStatus::Paused),
            ("CANCELLED", ContractStatus::Cancelled),
        ];
        let status = params.choice("status", &words)?.ok_or_else(|| missing("status"))?;
        let cycles = cycles(params, "pauseDurationCycle")?;
        Ok(match (status, cycles) {
            (ContractStatus::Paused, Some(_)) => ContractChange::Pause { cycles },
            _ => ContractChange::Status(status),
        })
    };
    change(call, Action::ContractWrite, read, nothing).await
}

/// `DELETE subscription-contracts/{id}`: 204.
pub(crate) async fn cancel(call: Call, Segment(id): Segment<String>) -> Response {
    let cancelled = async {
        let access = call.allow(Action::ContractWrite)?;
        let params = call.params()?;
        let number = call.number("id", &id)?;
        let text =
            |name| params.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
        let change = ContractChange::Cancel {
            feedback: text("cancellationFeedback")?,
            note: text("cancellationNote")?,
        };
        let view = call.guildhall().change_contract(&access, number, change).await.map_err(foreign)?;
        Ok(nothing(view, &access))
    };
    call.answer(cancelled.await)
}

fn period(params: &Params, unit: &str, count: &str) -> Result<Period, Problem> {
    let units = PeriodUnit::ALL.map(|unit| (unit.as_str(), unit));
    let found = params.choice(unit, &units)?.ok_or_else(|| missing(unit))?;
    let number = params.number(count)?.ok_or_else(|| missing(count))?;
    let period = u32::try_from(number).ok().and_then(|number| Period::of(found, number));
    period.ok_or_else(|| expected(count, "a number from 1 to 1000"))
}

/// `PUT subscription-contracts-update-billing-interval?contractId=&interval=&intervalCount=`
pub(crate) async fn billing_interval(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        Ok(ContractChange::Period(period(params, "interval", "intervalCount")?))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contracts-update-delivery-interval?contractId=&deliveryInterval=&deliveryIntervalCount=`
pub(crate) async fn delivery_interval(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        Ok(ContractChange::Delivery(period(params, "deliveryInterval", "deliveryIntervalCount")?))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contracts-update-billing-date?contractId=&nextBillingDate=`
pub(crate) async fn billing_date(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        let next = params.since("nextBillingDate")?.ok_or_else(|| missing("nextBillingDate"))?;
        Ok(ContractChange::NextBilling(next))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// A number of periods.
pub(super) fn cycles(params: &Params, name: &str) -> Result<Option<u32>, Problem> {
    let number = params.number(name)?.map(u32::try_from).transpose();
    number.map_err(|_| expected(name, "a number from 0 up"))
}

/// `PUT subscription-contracts-update-min-cycles?contractId=&minCycles=`: none clears it.
pub(crate) async fn min_cycles(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        Ok(ContractChange::MinCycles(cycles(params, "minCycles")?))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contracts-update-max-cycles?contractId=&maxCycles=`: none or 0 is no end.
pub(crate) async fn max_cycles(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        Ok(ContractChange::MaxCycles(cycles(params, "maxCycles")?))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contracts-add-line-item?contractId=&quantity=&variantId=&isOneTimeProduct=`, and with `price` at
/// `subscription-contract-add-line-item`.
pub(crate) async fn add_line(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        let quantity = params.number("quantity")?.ok_or_else(|| missing("quantity"))?;
        let quantity =
            u32::try_from(quantity).map_err(|_| expected("quantity", "a number from 1 to 9999"))?;
        let variant = id_number("variantId", params.required_text("variantId")?)?;
        let price = params.text("price")?.filter(|price| !price.is_empty()).map(str::to_owned);
        let one_time = params.flag("isOneTimeProduct")?.unwrap_or(false);
        let line = LineDraft { variant, quantity, price, ..LineDraft::default() };
        Ok(ContractChange::AddLine { line, one_time })
    };
    change(call, Action::ContractWrite, read, object).await
}

/// The line that a global id names: `gid://shopify/SubscriptionLine/<contract>-<line>`. One of another contract is
/// none of this one's.
fn line(params: &Params, name: &str, contract: i64) -> Result<i64, Problem> {
    let text = params.required_text(name)?;
    known_line(text, contract).ok_or_else(|| no_line(text))
}

fn known_line(text: &str, contract: i64) -> Option<i64> {
    let bare = text.rsplit('/').next()?;
    let (of, line) = bare.split_once('-')?;
    (of.parse() == Ok(contract)).then(|| line.parse().ok())?
}

/// The vendor's words (wire contract C.8), with what can be shown of the id.
fn no_line(text: &str) -> Problem {
    let shown: String = text.chars().filter(|c| c.is_ascii_graphic()).take(80).collect();
    Problem::alert(Code::LineNotFound, CONTRACT, "lineNotFound", format!("Couldn't find LineId={shown}"))
}

/// `PUT subscription-contracts-remove-line-item?contractId=&lineId=`
pub(crate) async fn remove_line(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, contract| {
        Ok(ContractChange::RemoveLine(line(params, "lineId", contract)?))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contracts-update-line-item?contractId=&lineId=&quantity=&price=&variantId=&sellingPlanName=&isPricePerUnit=`
pub(crate) async fn update_line(call: Call) -> Response {
    changed_line(call, None).await
}

/// `PUT subscription-contracts-update-line-item-quantity?contractId=&lineId=&quantity=`
pub(crate) async fn line_quantity(call: Call) -> Response {
    changed_line(call, Some("quantity")).await
}

/// `PUT subscription-contracts-update-line-item-price?contractId=&lineId=&basePrice=`
pub(crate) async fn line_price(call: Call) -> Response {
    changed_line(call, Some("basePrice")).await
}

/// What a line is for, as the parameters say, of which this one must be there.
async fn changed_line(call: Call, required: Option<&str>) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, contract| {
        let text =
            |name| params.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
        if let Some(name) = required {
            text(name)?.ok_or_else(|| missing(name))?;
        }
        let quantity = params.number("quantity")?.map(u32::try_from).transpose();
        let price = match text("price")? {
            None => text("basePrice")?,
            price => price,
        };
        Ok(ContractChange::UpdateLine {
            line: line(params, "lineId", contract)?,
            quantity: quantity.map_err(|_| expected("quantity", "a number from 1 to 9999"))?,
            price,
            price_per_unit: params.flag("isPricePerUnit")?.unwrap_or(true),
            variant: text("variantId")?.map(|text| id_number("variantId", &text)).transpose()?,
            selling_plan_name: text("sellingPlanName")?,
        })
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contract-update-variant?contractId=&newVariantId=&oldVariantId=&oldLineId=&skipBilling=&prorateDowngrade=`
pub(crate) async fn variant(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, contract| {
        let text = |name| params.text(name).map(|text| text.filter(|text| !text.is_empty()));
        let old_line = text("oldLineId")?.map(|text| known_line(text, contract).ok_or_else(|| no_line(text)));
        let mode = if params.flag("skipBilling")?.unwrap_or(false) {
            PlanMode::SkipBilling
        } else if params.flag("prorateDowngrade")?.unwrap_or(false) {
            PlanMode::Prorate
        } else {
            PlanMode::DowngradeLater
        };
        Ok(ContractChange::Plan {
            line: old_line.transpose()?,
            old_variant: text("oldVariantId")?.map(|text| id_number("oldVariantId", text)).transpose()?,
            variant: id_number("newVariantId", params.required_text("newVariantId")?)?,
            mode,
        })
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `GET subscription-contract-details/{contractId}/pending-downgrade` (C.3.3): 404 if none is pending.
pub(crate) async fn pending_downgrade(call: Call, Segment(id): Segment<String>) -> Response {
    let found = async {
        let access = call.allow(Action::ContractRead)?;
        let number = call.number("contractId", &id)?;
        let view = call.guildhall().contract(&access, number).await?;
        let contract = view.contract();
        let Some(Change::Downgrade(change)) = &contract.change else {
            return Err(Code::NoChangePending.into());
        };
        let old = contract.terms.lines.iter().find(|line| line.number == change.line).map(|line| &line.item);
        let currency = &contract.terms.currency;
        let variant = |item: Option<&Item>| item.map(|item| item.variant.to_string());
        let price = |item: &Item| super::guide::amount(item.unit_minor, currency);
        Ok(Answer::json(&json!({
            "shop": access.definitions().app.store_name(), "contractId": contract.number,
            "waitTillTimestamp": contract.next_billing().map(super::contract_row::seconds),
            "oldLineId": format!("gid://shopify/SubscriptionLine/{}-{}", contract.number, change.line),
            "oldVariantId": variant(old), "newVariantId": variant(Some(&change.to)),
            "sellingPlanId": change.to.selling_plan.map(|plan| super::contract_row::gid("SellingPlan", plan)),
            "sellingPlanName": change.to.selling_plan_name, "oldPrice": old.map(price), "newPrice": price(&change.to),
            "newCustomerTag": "", "oldCustomerTags": "", "newOrderTag": "", "eventSource": "MERCHANT_EXTERNAL_API",
            "retryCount": 0, "customerId": view.held.holder.number, "executionArn": "",
        })))
    };
    call.answer(found.await)
}

/// `DELETE subscription-contract-details/{contractId}/pending-downgrade`: 204, or 404 if none is pending.
pub(crate) async fn forget_downgrade(call: Call, Segment(id): Segment<String>) -> Response {
    let forgotten = async {
        let access = call.allow(Action::ContractWrite)?;
        let number = call.number("contractId", &id)?;
        let view = call.guildhall().change_contract(&access, number, ContractChange::ForgetDowngrade).await?;
        Ok(nothing(view, &access))
    };
    call.answer(forgotten.await)
}

/// `PUT subscription-contracts-apply-discount?contractId=&discountCode=`
pub(crate) async fn apply_discount(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        Ok(ContractChange::ApplyCode(params.required_text("discountCode")?.to_owned()))
    };
    change(call, Action::BillingWrite, read, object).await
}

/// `PUT subscription-contracts-add-discount?contractId=&discountType=&percentage=|amount=&discountTitle=&recurringCycleLimit=&appliesOnEachItem=`
pub(crate) async fn add_discount(call: Call) -> Response {
    let read = async |call: &Call, access: &Access<'_>, params: &Params, number| {
        let kinds = [("PERCENTAGE", true), ("FIXED_AMOUNT", false)];
        let kind = params.choice("discountType", &kinds)?;
        let percentage = params.number("percentage")?;
        let amount = params.text("amount")?.filter(|amount| !amount.is_empty());
        let each = params.flag("appliesOnEachItem")?.unwrap_or(false);
        let value = match (kind, percentage, amount) {
            (Some(true) | None, Some(hundredths), None) => {
                let hundredths =
                    u32::try_from(hundredths).ok().filter(|hundredths| (1..=100).contains(hundredths));
                DiscountValue::Percentage(
                    hundredths.ok_or_else(|| expected("percentage", "a number from 1 to 100"))?,
                )
            }
            (Some(false) | None, None, Some(amount)) => {
                let view = call.guildhall().contract(access, number).await.map_err(foreign)?;
                let minor =
                    Money::from_major(amount, &view.contract().terms.currency).filter(|minor| *minor > 0);
                let minor = minor.ok_or_else(|| expected("amount", "an amount above 0"))?;
                if each { DiscountValue::FixedEach(minor) } else { DiscountValue::Fixed(minor) }
            }
            _ => {
                let message = "Send either 'percentage' with PERCENTAGE, or 'amount' with FIXED_AMOUNT.";
                return Err(Problem::parameter(message));
            }
        };
        let title =
            params.text("discountTitle")?.filter(|title| !title.is_empty()).unwrap_or("Discount").to_owned();
        let limit = cycles(params, "recurringCycleLimit")?.filter(|limit| *limit > 0);
        Ok(ContractChange::AddDiscount { title, value, limit })
    };
    change(call, Action::BillingWrite, read, object).await
}

/// `PUT subscription-contracts-remove-discount?contractId=&discountId=`: a global id.
pub(crate) async fn remove_discount(call: Call) -> Response {
    let read = async |_: &Call, _: &Access<'_>, params: &Params, _| {
        let id = params.required_text("discountId")?;
        Ok(ContractChange::RemoveDiscount(id.rsplit('/').next().unwrap_or(id).to_owned()))
    };
    change(call, Action::BillingWrite, read, object).await
}

/// `PUT subscription-contracts-update-payment-method?contractId=`: 200 without a body. There is nothing to fetch from
/// elsewhere: a contract always goes by the method that it names.
pub(crate) async fn refresh_payment_method(call: Call) -> Response {
    let found = async {
        let access = call.allow(Action::BillingWrite)?;
        let params = call.params()?;
        let number = params.number("contractId")?.ok_or_else(|| missing("contractId"))?;
        call.guildhall().contract(&access, number).await.map_err(foreign)?;
        Ok(Answer::empty())
    };
    call.answer(found.await)
}

/// `PUT subscription-contracts-update-shipping-address?contractId=` with the address as its body.
pub(crate) async fn address(call: Call, request: Request) -> Response {
    let limit = call.body_bytes_max();
    let read = async |_: &Call, _: &Access<'_>, _: &Params, _| {
        Ok(ContractChange::Address(body::json_object(request, limit).await?))
    };
    change(call, Action::ContractWrite, read, object).await
}

/// `PUT subscription-contracts-update-order-note/{contractId}?orderNote=`: `true`.
pub(crate) async fn order_note(call: Call, Segment(id): Segment<String>) -> Response {
    let noted = async {
        let access = call.allow(Action::ContractWrite)?;
        let params = call.params()?;
        let number = call.number("contractId", &id)?;
        let change = ContractChange::OrderNote(params.required_text("orderNote")?.to_owned());
        call.guildhall().change_contract(&access, number, change).await.map_err(foreign)?;
        Ok(yes(&number.to_string()))
    };
    call.answer(noted.await)
}

/// `PUT subscription-contracts-update-custom-note-attributes?overwriteExistingAttributes=` with
/// `{subscriptionContractId, customAttributesList: [{key, value}]}`.
pub(crate) async fn note_attributes(call: Call, request: Request) -> Response {
    let noted = async {
        let access = call.allow(Action::ContractWrite)?;
        let params = call.params()?;
        let overwrite = params.flag("overwriteExistingAttributes")?.unwrap_or(true);
        let mut fields = call.fields(request).await?;
        let number = fields.int("subscriptionContractId")?;
        let number = number.ok_or_else(|| Problem::field(CONTRACT, "subscriptionContractId", "NotNull"))?;
        let list = fields.array("customAttributesList")?.unwrap_or_default();
        let attributes = pairs(list, "customAttributesList")?;
        let change = ContractChange::Attributes { attributes, overwrite };
        let view = call.guildhall().change_contract(&access, number, change).await.map_err(foreign)?;
        Ok(object(view, &access))
    };
    call.answer(noted.await)
}

/// `PUT subscription-contracts-update-line-item-attributes?contractId=&lineId=` with `[{key, value}]`.
pub(crate) async fn line_attributes(call: Call, request: Request) -> Response {
    let limit = call.body_bytes_max();
    let read = async |_: &Call, _: &Access<'_>, params: &Params, contract| {
        let number = line(params, "lineId", contract)?;
        let items = match body::json_value(request, limit).await? {
            Some(Value::Array(items)) => items,
            _ => return Err(Problem::field(CONTRACT, "attributes", "Array")),
        };
        Ok(ContractChange::LineAttributes { line: number, attributes: pairs(items, "attributes")? })
    };
    change(call, Action::ContractWrite, read, object).await
}
