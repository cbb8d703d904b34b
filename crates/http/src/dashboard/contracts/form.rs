//! What the forms of a contract say: dates, counts and amounts, as people type them.

use crate::dashboard::form::Form;
use guildhall_app::AppError;
use guildhall_app::contracts::{ContractChange, DiscountValue, Period, PeriodUnit};
use guildhall_domain::plan::Money;
use guildhall_domain::record::date;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Code, Timestamp};

const DAY_US: i64 = 86_400 * MICROS_PER_SECOND;

pub(in crate::dashboard) fn wrong(message: impl Into<std::borrow::Cow<'static, str>>) -> AppError {
    AppError::because(Code::InputInvalid, message)
}

/// A day, `2027-01-31`, at its first moment; nothing if the field is empty.
///
/// # Errors
/// `InputInvalid` for what is no day.
pub(super) fn day_of(form: &Form, name: &str) -> Result<Option<Timestamp>, AppError> {
    let Some(text) = form.text(name) else { return Ok(None) };
    let day = Some(text.as_str()).filter(|text| text.len() == 10).and_then(date);
    day.map(Some).ok_or_else(|| wrong("A date is year, month and day, such as 2027-01-31."))
}

/// A day with the time of day of another moment.
pub(super) fn at_time_of(day: Timestamp, other: Timestamp) -> Timestamp {
    day.plus_micros(other.micros().rem_euclid(DAY_US))
}

/// A number of charges; nothing if the field is empty.
///
/// # Errors
/// `InputInvalid`, naming the field by its label.
pub(super) fn count(form: &Form, name: &str, label: &str) -> Result<Option<u32>, AppError> {
    let Some(number) = form.int(name, label)? else { return Ok(None) };
    let fits = u32::try_from(number).ok().filter(|number| *number <= 10_000);
    fits.map(Some).ok_or_else(|| wrong(format!("{label} is from 0 to 10000.")))
}

/// How often: `count` and `unit`.
///
/// # Errors
/// `InputInvalid`.
pub(super) fn period(form: &Form) -> Result<Period, AppError> {
    let count = form.int("count", "The interval")?.and_then(|count| u32::try_from(count).ok());
    let unit = PeriodUnit::from_name(form.get("unit"));
    let period = count.zip(unit).and_then(|(count, unit)| Period::of(unit, count));
    period.ok_or_else(|| wrong("An interval is from 1 to 1000 days, weeks, months or years."))
}

/// A discount of some kind: a percentage, an amount in a currency, or a code.
///
/// # Errors
/// `InputInvalid`.
pub(super) fn discount(form: &Form, currency: &str) -> Result<ContractChange, AppError> {
    let value = form
        .text("value")
        .map(|text| text.replace('\0', ""))
        .ok_or_else(|| wrong("Say how much is taken off, or the code."))?;
    let limit = count(form, "limit", "The number of charges")?.filter(|limit| *limit > 0);
    let value = match form.get("kind") {
        "code" => return Ok(ContractChange::ApplyCode(value)),
        "percent" => {
            let hundredths = value.trim_end_matches('%').trim().parse();
            DiscountValue::Percentage(
                hundredths.map_err(|_| wrong("A percentage is from 1 to 100, in whole numbers."))?,
            )
        }
        "amount" => {
            let minor = Money::from_major(&value.replace(',', "."), currency);
            DiscountValue::Fixed(minor.ok_or_else(|| wrong("An amount is a number such as 2.50."))?)
        }
        _ => return Err(wrong("Choose a percentage, an amount or a code.")),
    };
    let title = form.text("title").map(|text| text.replace('\0', "")).unwrap_or_else(|| "Discount".into());
    Ok(ContractChange::AddDiscount { title, value, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes())
    }

    #[test]
    fn a_day_is_a_day_and_nothing_else() {
        let day = day_of(&form("on=2027-02-28"), "on").expect("a day").expect("it is there");
        assert_eq!(day.to_iso(), "2027-02-28T00:00:00.000Z");
        assert_eq!(day_of(&form("on="), "on").expect("none"), None);
        for odd in ["2027-02-30", "yesterday", "2027-2-1", "20270228", "2027-02-28T10:00", "%00%00%00%00"] {
            assert!(day_of(&form(&format!("on={odd}")), "on").is_err(), "{odd}");
        }
        let other = date("2020-05-05T09:30:00Z").expect("a date");
        assert_eq!(at_time_of(day, other).to_iso(), "2027-02-28T09:30:00.000Z");
    }

    #[test]
    fn discounts_are_read_by_their_kind() {
        let read = |text: &str| discount(&form(text), "eur");
        let value = |text: &str| match read(text) {
            Ok(ContractChange::AddDiscount { value, limit, .. }) => Some((value, limit)),
            _ => None,
        };
        assert_eq!(value("kind=percent&value=20+%25"), Some((DiscountValue::Percentage(20), None)));
        assert_eq!(value("kind=amount&value=2,50&limit=3"), Some((DiscountValue::Fixed(250), Some(3))));
        assert!(
            matches!(read("kind=code&value=SPRING"), Ok(ContractChange::ApplyCode(code)) if code == "SPRING")
        );
        for odd in [
            "kind=percent&value=x",
            "kind=amount&value=1.234",
            "kind=&value=3",
            "kind=percent",
            "kind=percent&value=3&limit=-1",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
