//! `subscription-contract-details` and `subscription-contracts/contract-external`: contracts listed, read and made
//! (wire contract C.1, 1, 2, 7 and 8).

use super::answer::Answer;
use super::call::Call;
use super::contract_row::row;
use super::paging::{Page, order};
use super::params::{Params, expected, whole_number};
use super::problem::{CONTRACT, FieldError, Problem};
use crate::segment::Segment;
use axum::extract::Request;
use axum::response::Response;
use guildhall_app::contracts::{
    ContractDraft, ContractFilter, ContractOrder, ContractPage, ContractStatus, CustomerRow, LineDraft,
    Period, PeriodUnit, SortBy, contract_view, holder_name,
};
use guildhall_app::fields::Fields;
use guildhall_domain::contract::Notes;
use guildhall_domain::plan::Money;
use guildhall_domain::scope::Action;
use guildhall_domain::{App, Code, record};
use serde_json::{Map, Value, json};

const SORT: [(&str, SortBy); 12] = [
    ("id", SortBy::Number),
    ("subscription_contract_id", SortBy::Number),
    ("created_at", SortBy::Created),
    ("starts_at", SortBy::Created),
    ("updated_at", SortBy::Updated),
    ("next_billing_date", SortBy::NextBilling),
    ("order_amount", SortBy::Amount),
    ("contract_amount", SortBy::Amount),
    ("customer_name", SortBy::CustomerName),
    ("customer_email", SortBy::CustomerName),
    ("customer_id", SortBy::Number),
    ("status", SortBy::Status),
];

/// `GET subscription-contract-details`: a page of rows.
pub(crate) async fn list(call: Call) -> Response {
    let listed = async {
        let access = call.allow(Action::ContractRead)?;
        let params = call.params()?;
        let page = Page::of(&call, &params)?;
        let app = &access.definitions().app;
        let Some(filter) = filter(&params, app)? else {
            return Ok(Answer::page(Vec::new(), &page, 0));
        };
        let filter = match params.number("customerId")? {
            None => filter,
            Some(number) => match call.guildhall().customer(&access, number).await? {
                None => return Ok(Answer::page(Vec::new(), &page, 0)),
                Some(customer) => ContractFilter { member: Some(customer.member.key), ..filter },
            },
        };
        let (found, total) =
            call.guildhall().list_contracts(&access, filter, contract_page(&params, &page)?).await?;
        let rows = found.iter().map(|held| row(held, app)).collect();
        Ok(Answer::page(rows, &page, u64::try_from(total).unwrap_or(0)))
    };
    call.answer(listed.await)
}

pub(super) fn contract_page(params: &Params, page: &Page) -> Result<ContractPage, Problem> {
    let terms = order(params, &SORT)?;
    let order = terms.into_iter().map(|(by, descending)| ContractOrder { by, descending }).collect();
    let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
    Ok(ContractPage { order, offset, limit: page.size().into() })
}

/// The filters of C.2. Nothing if they can meet no contract.
fn filter(params: &Params, app: &App) -> Result<Option<ContractFilter>, Problem> {
    let text = |name| params.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
    let (next_from, next_to) = (params.since("fromNextDate")?, params.until("toNextDate")?);
    // Only both together make a range.
    let range = next_from.zip(next_to);
    let statuses = match text("status")? {
        None => Vec::new(),
        Some(part) => {
            let part = part.to_ascii_uppercase();
            let met: Vec<_> =
                ContractStatus::ALL.into_iter().filter(|status| status.as_str().contains(&part)).collect();
            if met.is_empty() {
                return Ok(None);
            }
            met
        }
    };
    let units = PeriodUnit::ALL.map(|unit| (unit.as_str(), unit));
    let imported = params.choice("recordType", &[("imported", true), ("nonImported", false)])?;
    // Nothing here is prepaid: what is billed is what is delivered.
    if params.choice("planType", &[("prepaid", true), ("non-prepaid", false)])? == Some(true) {
        return Ok(None);
    }
    let amount = |name| match params.text(name)?.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            Money::from_major(text, &app.currency).map(Some).ok_or_else(|| expected(name, "an amount"))
        }
    };
    Ok(Some(ContractFilter {
        statuses,
        created_from: params.since("fromCreatedDate")?,
        created_to: params.until("toCreatedDate")?,
        updated_from: params.since("fromUpdatedDate")?,
        updated_to: params.until("toUpdatedDate")?,
        next_from: range.map(|(from, _)| from),
        next_to: range.map(|(_, to)| to),
        number_has: text("subscriptionContractId")?,
        customer_has: text("customerName")?,
        email_has: text("customerEmail")?,
        unit: params.choice("billingPolicyInterval", &units)?,
        count: params.number("billingPolicyIntervalCount")?,
        imported,
        products: ids(params, "productId")?,
        variants: ids(params, "variantId")?,
        selling_plans: ids(params, "sellingPlanIds")?,
        amount_min: amount("minOrderAmount")?,
        amount_max: amount("maxOrderAmount")?,
        ..ContractFilter::default()
    }))
}

/// Numbers, bare or at the end of global ids.
fn ids(params: &Params, name: &str) -> Result<Vec<i64>, Problem> {
    let texts = params.all(name).flat_map(|value| value.split(',')).filter(|text| !text.is_empty());
    texts.map(|text| id_number(name, text)).collect()
}

/// A number, bare or at the end of a global id.
pub(super) fn id_number(name: &str, text: &str) -> Result<i64, Problem> {
    let bare = text.strip_prefix("gid://").and_then(|path| path.rsplit('/').next()).unwrap_or(text);
    whole_number(name, bare)
}

/// `GET subscription-contract-details/customers`: those who hold contracts, with what they hold.
pub(crate) async fn customers(call: Call) -> Response {
    let listed = async {
        let access = call.allow(Action::ContractRead)?;
        let params = call.params()?;
        let page = Page::of(&call, &params)?;
        let text =
            |name| params.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
        let filter = ContractFilter {
            customer_has: text("name")?,
            email_has: text("email")?,
            ..ContractFilter::default()
        };
        let several = params.flag("activeMoreThanOneSubscription")?.unwrap_or(false);
        let offset = i64::try_from(page.offset()).unwrap_or(i64::MAX);
        let size = i64::from(page.size());
        let listed = call.guildhall().list_customers(&access, filter, several, offset, size).await?;
        let rows = listed.0.iter().map(|row| customer(row, &access.definitions().app)).collect();
        Ok(Answer::page(rows, &page, u64::try_from(listed.1).unwrap_or(0)))
    };
    call.answer(listed.await)
}

fn customer(row: &CustomerRow, app: &App) -> Value {
    let holder = &row.holder;
    let name = if row.name.is_empty() { holder_name(holder) } else { row.name.clone() };
    let currency = row.paid_currency.as_ref().unwrap_or(&app.currency);
    json!({
        "customerId": holder.number, "name": name, "email": holder.email, "activeSubscriptions": row.active,
        "nextOrderDate": row.next_billing.map(super::contract_row::seconds), "inActiveSubscriptions": row.inactive,
        "lifetimeValue": super::guide::amount(row.paid_minor, currency),
    })
}

/// `GET subscription-contracts/contract-external/{contractId}`: the contract-shaped object; 404 if there is none.
pub(crate) async fn get(call: Call, Segment(id): Segment<String>) -> Response {
    let found = async {
        let access = call.allow(Action::ContractRead)?;
        let number = id_number("contractId", &id)?;
        let view = call.guildhall().contract(&access, number).await?;
        Ok(Answer::json(&contract_view(&view, &access.definitions().app)))
    };
    call.answer(found.await)
}

/// `POST subscription-contract-details/create-subscription-contract` (C.5): 201 with the object, and its address.
pub(crate) async fn create(call: Call, request: Request) -> Response {
    let made = async {
        let access = call.allow(Action::ContractWrite)?;
        let mut fields = call.fields(request).await?;
        let draft = draft(&mut fields)?;
        let view = call.guildhall().create_contract(&access, draft).await?;
        let number = view.contract().number.to_string();
        let text = format!("A new {CONTRACT} is created with identifier {number}");
        let location = format!("/api/external/v2/subscription-contracts/contract-external/{number}");
        let body = contract_view(&view, &access.definitions().app);
        Ok(Answer::created(&body).at(&location).alert(&text, &number))
    };
    call.answer(made.await)
}

/// What a field of a body must be.
fn broken(field: impl Into<String>, rule: &'static str) -> Problem {
    Problem::fields(vec![FieldError { object: CONTRACT, field: field.into(), rule }])
}

fn draft(fields: &mut Fields) -> Result<ContractDraft, Problem> {
    let customer = number_field(fields, "customerId")?.ok_or_else(|| broken("customerId", "NotNull"))?;
    let next = fields.text("nextBillingDate")?.ok_or_else(|| broken("nextBillingDate", "NotNull"))?;
    let next_billing = record::date(&next).ok_or_else(|| broken("nextBillingDate", "Date"))?;
    let period = period(fields, "billingIntervalType", "billingIntervalCount")?;
    let paused = match fields.text("status")?.map(|status| status.to_ascii_uppercase()).as_deref() {
        None | Some("PAUSED") => true,
        Some("ACTIVE") => false,
        Some(_) => return Err(broken("status", "Pattern")),
    };
    let currency = fields.text("currencyCode")?;
    let lines = fields
        .array("lines")?
        .filter(|lines| !lines.is_empty())
        .ok_or_else(|| broken("lines", "NotEmpty"))?;
    let lines = lines.into_iter().enumerate().map(|(at, line)| match line {
        Value::Object(object) => line_draft(object, &format!("lines[{at}].")),
        _ => Err(broken(format!("lines[{at}]"), "Object")),
    });
    Ok(ContractDraft {
        customer,
        email: fields.text("customerEmail")?,
        lines: lines.collect::<Result<_, _>>()?,
        currency,
        period: Some(period.ok_or_else(|| broken("billingIntervalType", "NotNull"))?),
        delivery: self::period(fields, "deliveryIntervalType", "deliveryIntervalCount")?,
        next_billing: Some(next_billing),
        begins_in_trial: true,
        min_cycles: cycles(fields, "minCycles")?,
        max_cycles: cycles(fields, "maxCycles")?,
        paused,
        payment_method: text_or_number(fields, "paymentMethodId")?,
        without_payment_method: fields.bool("createWithoutPaymentMethod")?.unwrap_or(false),
        delivery_price: decimal_field(fields, "deliveryPriceAmount")?,
        notes: notes(fields)?,
    })
}

/// A number that may come as text, bare or at the end of a global id.
fn number_field(fields: &mut Fields, name: &str) -> Result<Option<i64>, Problem> {
    match fields.take(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(|| broken(name, "Digits")),
        Some(Value::String(text)) => id_number(name, &text).map(Some).map_err(|_| broken(name, "Digits")),
        Some(_) => Err(broken(name, "Digits")),
    }
}

/// A text that may come as a number.
fn text_or_number(fields: &mut Fields, name: &str) -> Result<Option<String>, Problem> {
    match fields.take(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(broken(name, "Text")),
    }
}

/// An amount as it was written, a number or a text.
fn decimal_field(fields: &mut Fields, name: &str) -> Result<Option<String>, Problem> {
    text_or_number(fields, name)
}

fn cycles(fields: &mut Fields, name: &str) -> Result<Option<u32>, Problem> {
    let number = number_field(fields, name)?.map(u32::try_from).transpose();
    number.map_err(|_| broken(name, "Min"))
}

fn period(fields: &mut Fields, unit: &str, count: &str) -> Result<Option<Period>, Problem> {
    let (name, number) = (fields.text(unit)?, number_field(fields, count)?);
    let Some(name) = name else {
        return number.map_or(Ok(None), |_| Err(broken(unit, "NotNull")));
    };
    let found = PeriodUnit::from_name(&name).ok_or_else(|| broken(unit, "Pattern"))?;
    let number = number.ok_or_else(|| broken(count, "NotNull"))?;
    let period = u32::try_from(number).ok().and_then(|number| Period::of(found, number));
    period.map(Some).ok_or_else(|| broken(count, "Min"))
}

fn line_draft(object: Map<String, Value>, place: &str) -> Result<LineDraft, Problem> {
    let mut fields = Fields::new(object);
    let at = |name: &str| format!("{place}{name}");
    let mut number = |name| number_field(&mut fields, name).map_err(|_| broken(at(name), "Digits"));
    let variant = number("variantId")?.ok_or_else(|| broken(at("variantId"), "NotNull"))?;
    let quantity = number("quantity")?.ok_or_else(|| broken(at("quantity"), "NotNull"))?;
    let quantity = u32::try_from(quantity).map_err(|_| broken(at("quantity"), "Min"))?;
    let (product, selling_plan) = (number("productId")?, number("sellingPlanId")?);
    let current = decimal_field(&mut fields, "currentPrice")?;
    let unit = decimal_field(&mut fields, "unitPrice")?;
    Ok(LineDraft {
        variant,
        quantity,
        price: current.or(unit),
        product,
        selling_plan,
        title: fields.text("title")?,
        attributes: pairs(fields.array("customAttributes")?.unwrap_or_default(), &at("customAttributes"))?,
    })
}

/// `[{key, value}]`
pub(super) fn pairs(items: Vec<Value>, field: &str) -> Result<Vec<(String, String)>, Problem> {
    let pair = |item: &Value| {
        let key = item.get("key")?.as_str()?.to_owned();
        let value = match item.get("value")? {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Number(_) | Value::Bool(_) => item.get("value")?.to_string(),
            _ => return None,
        };
        Some((key, value))
    };
    items.iter().map(|item| pair(item).ok_or_else(|| broken(field, "KeyValue"))).collect()
}

fn notes(fields: &mut Fields) -> Result<Notes, Problem> {
    let mut address = Map::new();
    for (given, name) in [
        ("deliveryFirstName", "firstName"),
        ("deliveryLastName", "lastName"),
        ("deliveryAddress1", "address1"),
        ("deliveryAddress2", "address2"),
        ("deliveryCity", "city"),
        ("deliveryProvinceCode", "provinceCode"),
        ("deliveryZip", "zip"),
        ("deliveryCountryCode", "countryCode"),
        ("deliveryPhone", "phone"),
    ] {
        if let Some(text) = fields.text(given)? {
            if text.len() > 255 {
                return Err(broken(given, "Size"));
            }
            address.insert(name.to_owned(), text.into());
        }
    }
    let part = |name: &str| address.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Notes {
        first_name: part("firstName"),
        last_name: part("lastName"),
        phone: part("phone"),
        address: (!address.is_empty()).then_some(address),
        ..Notes::default()
    })
}

/// A contract that is not the caller's, or is none, is an id that is not valid where something is to be done with
/// it (wire contract A.3).
pub(super) fn foreign(problem: guildhall_app::AppError) -> Problem {
    match problem.code {
        Code::ContractNotFound => Problem::invalid_id(CONTRACT),
        Code::AttemptNotFound => Problem::invalid_id(super::problem::ATTEMPT),
        _ => problem.into(),
    }
}

/// What every answer with a contract says in its headers.
pub(super) fn updated(view: &guildhall_app::contracts::ContractView, app: &App) -> Answer {
    let number = view.contract().number.to_string();
    Answer::json(&contract_view(view, app)).alert(&updated_words(&number), &number)
}

pub(super) fn updated_words(number: &str) -> String {
    format!("A {CONTRACT} is updated with identifier {number}")
}

/// Nothing but `true`.
pub(super) fn yes(number: &str) -> Answer {
    Answer::json(&json!(true)).alert(&updated_words(number), number)
}
