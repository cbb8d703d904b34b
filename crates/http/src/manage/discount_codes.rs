//! `/manage/v1/discount-codes`: codes that customers are given.

use super::{answer, gone, place};
use crate::segment::Segment;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use guildhall_app::contracts::{DiscountCode, DiscountValue};
use guildhall_app::fields::Fields;
use guildhall_app::{AppError, Caller};
use guildhall_domain::Code;
use guildhall_domain::scope::Action;
use serde_json::{Value, json};

/// All of them.
pub(crate) async fn list(State(http): State<Http>, Extension(caller): Extension<Caller>) -> Response {
    let listed = async {
        let access = caller.allow(Action::ManageRead)?;
        let codes = http.guildhall().discount_codes(&access.definitions().app.id).await?;
        Ok(json!({ "data": codes.iter().map(view).collect::<Vec<_>>() }))
    };
    answer(listed.await)
}

/// `{"percentage": 25}` or `{"amount": 500, "eachItem": false}` in minor units, and for how many `cycles`.
pub(crate) async fn put(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(code): Segment<String>,
    request: Request,
) -> Response {
    let stored = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        let mut fields = Fields::new(body::json_object(request, http.settings().body_bytes_max).await?);
        let value = value(fields.int("percentage")?, fields.int("amount")?, fields.bool("eachItem")?)?;
        let cycles = fields.int("cycles")?.map(u32::try_from).transpose();
        let cycles = cycles.ok().filter(|cycles| *cycles != Some(0));
        let cycles = cycles.ok_or_else(|| invalid("cycles is a number of charges, from 1 up."))?;
        let code = DiscountCode { code, value, cycles };
        let code = http.guildhall().put_discount_code(&app, code, actor).await?;
        Ok(json!({ "data": view(&code) }))
    };
    answer(stored.await)
}

/// One less.
pub(crate) async fn delete(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Segment(code): Segment<String>,
) -> Response {
    let deleted = async {
        let access = caller.allow(Action::ManageWrite)?;
        let (app, actor) = place(&caller, &access);
        http.guildhall().delete_discount_code(&app, &code, actor).await
    };
    gone(deleted.await)
}

fn invalid(message: &'static str) -> AppError {
    AppError::because(Code::InputInvalid, message)
}

fn value(
    percentage: Option<i64>,
    amount: Option<i64>,
    each: Option<bool>,
) -> Result<DiscountValue, AppError> {
    match (percentage, amount) {
        (Some(hundredths), None) => {
            let hundredths = u32::try_from(hundredths).unwrap_or(0);
            Ok(DiscountValue::Percentage(hundredths))
        }
        (None, Some(minor)) if each == Some(true) => Ok(DiscountValue::FixedEach(minor)),
        (None, Some(minor)) => Ok(DiscountValue::Fixed(minor)),
        _ => Err(invalid("A code takes off either a `percentage` or an `amount` of minor units.")),
    }
}

fn view(code: &DiscountCode) -> Value {
    let (percentage, amount, each) = match code.value {
        DiscountValue::Percentage(hundredths) => (Some(hundredths), None, false),
        DiscountValue::Fixed(minor) => (None, Some(minor), false),
        DiscountValue::FixedEach(minor) => (None, Some(minor), true),
    };
    json!({
        "code": code.code, "percentage": percentage, "amount": amount, "eachItem": each, "cycles": code.cycles,
    })
}
