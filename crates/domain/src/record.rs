//! Records of data tables: their values, and what a caller says about them.

use crate::Code;
use crate::data_table::{DataTable, Field, FieldKind};
use crate::decimal::Decimal;
use crate::email::Email;
use crate::member_id::MemberKey;
use crate::record_id::RecordKey;
use crate::refusal::Refusal;
use crate::text::is_id;
use crate::time::Timestamp;
use serde_json::{Map, Value};

/// The longest TEXT, in characters.
pub const TEXT_CHARS_MAX: usize = 65_536;
/// The longest TEXT_FILTERABLE and TEXT_UNIQUE, in characters (the vendor's limit).
pub const FILTERABLE_CHARS_MAX: usize = 255;
/// The longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// The largest NUMBER: beyond it JavaScript rounds.
pub const NUMBER_MAX: i64 = (1 << 53) - 1;
/// How many links one write may make or remove in one field.
pub const LINKS_PER_WRITE_MAX: usize = 500;

/// What a field holds. Nothing (null) is `None` around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// TEXT, TEXT_FILTERABLE, TEXT_UNIQUE, EMAIL and URL.
    Text(String),
    /// NUMBER.
    Number(i64),
    /// DECIMAL.
    Decimal(Decimal),
    /// BOOLEAN.
    Boolean(bool),
    /// DATE, to the millisecond.
    Date(Timestamp),
    /// REFERENCE and MEMBER_REFERENCE: the row's key and the public id of what is pointed at.
    Reference {
        /// Of the row.
        key: i64,
        /// As callers see it.
        id: String,
    },
}

/// A record as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub key: RecordKey,
    /// Its public id.
    pub id: String,
    /// The member it belongs to.
    pub owner: Option<MemberKey>,
    /// That member's public id, if it was asked for.
    pub owner_id: Option<String>,
    /// When it was made, to the millisecond.
    pub created_at: Timestamp,
    /// When it was last changed, to the millisecond.
    pub updated_at: Timestamp,
    /// Its values: field number and value, in the order of the fields that were asked for. Fields that
    /// hold many references are not among them.
    pub values: Vec<(i64, Option<FieldValue>)>,
}

impl Record {
    /// The value of the field with this number.
    pub fn value(&self, field: i64) -> Option<&FieldValue> {
        self.values.iter().find(|(number, _)| *number == field).and_then(|(_, value)| value.as_ref())
    }
}

/// What is pointed at, as a caller says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A record or a member by its id.
    Id(String),
    /// The member that calls (client API).
    Myself,
}

/// What a write says about one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// No value; no links.
    Clear,
    /// This value.
    Set(FieldValue),
    /// These links. In a field that holds one reference, a new one takes the place of the old.
    Link {
        /// Whether links that are not named go.
        replace: bool,
        /// What is to be pointed at.
        connect: Vec<Target>,
        /// What is no longer to be pointed at.
        disconnect: Vec<Target>,
    },
}

/// What a write says about a record: field number and change, each field once.
pub type Changes = Vec<(i64, Change)>;

/// Reads the `data` of a write.
///
/// # Errors
/// `FieldUnknown`, `FieldValueInvalid`.
pub fn parse_changes(table: &DataTable, data: &Map<String, Value>) -> Result<Changes, Refusal> {
    let change = |(key, value): (&String, &Value)| {
        let field = table.known_field(key)?;
        Ok((field.number, parse_change(field, value)?))
    };
    data.iter().map(change).collect()
}

/// Reads what is said about one field.
///
/// # Errors
/// `FieldValueInvalid`.
pub fn parse_change(field: &Field, value: &Value) -> Result<Change, Refusal> {
    if value.is_null() {
        return Ok(Change::Clear);
    }
    if !field.kind.is_relation() {
        return parse_value(field, value).map(Change::Set);
    }
    let change = match value {
        Value::String(_) if !field.kind.is_many() => {
            Change::Link { replace: true, connect: targets(field, value)?, disconnect: Vec::new() }
        }
        Value::Array(_) if field.kind.is_many() => {
            Change::Link { replace: true, connect: targets(field, value)?, disconnect: Vec::new() }
        }
        Value::Object(object) => parse_links(field, object)?,
        _ => return Err(invalid(field, expected(field.kind))),
    };
    Ok(change)
}

/// `{connect, disconnect}`, either or both.
fn parse_links(field: &Field, object: &Map<String, Value>) -> Result<Change, Refusal> {
    let known = |name: &&String| name.as_str() == "connect" || name.as_str() == "disconnect";
    if object.is_empty() || !object.keys().all(|name| known(&name)) {
        return Err(invalid(field, "an object with `connect`, `disconnect` or both"));
    }
    let side = |name: &str| object.get(name).map(|value| targets(field, value)).transpose();
    if object.get("disconnect") == Some(&Value::Bool(true)) && object.len() == 1 {
        return Ok(Change::Clear);
    }
    let (connect, disconnect) =
        (side("connect")?.unwrap_or_default(), side("disconnect")?.unwrap_or_default());
    if !field.kind.is_many() && (connect.len() > 1 || disconnect.len() > 1) {
        return Err(invalid(field, "one id: it points at one thing"));
    }
    Ok(Change::Link { replace: !field.kind.is_many() && !connect.is_empty(), connect, disconnect })
}

/// An id, `{id}`, `{self: true}`, or a list of these.
fn targets(field: &Field, value: &Value) -> Result<Vec<Target>, Refusal> {
    let one = |value: &Value| match value {
        Value::String(id) if is_id(id) => Ok(Target::Id(id.clone())),
        Value::Object(object) => match (object.get("id"), object.get("self")) {
            (Some(Value::String(id)), None) if is_id(id) => Ok(Target::Id(id.clone())),
            (None, Some(Value::Bool(true))) if field.kind.points_at_members() => Ok(Target::Myself),
            _ => Err(invalid(field, "`{id}`, with the id of what it points at")),
        },
        _ => Err(invalid(field, "the id of what it points at")),
    };
    match value {
        Value::Array(items) if items.len() > LINKS_PER_WRITE_MAX => {
            Err(invalid(field, &format!("at most {LINKS_PER_WRITE_MAX} ids in one write")))
        }
        Value::Array(items) => {
            let mut found: Vec<Target> = Vec::new();
            for item in items {
                let target = one(item)?;
                if !found.contains(&target) {
                    found.push(target);
                }
            }
            Ok(found)
        }
        other => Ok(vec![one(other)?]),
    }
}

/// Reads a value of a field that does not point at anything.
///
/// # Errors
/// `FieldValueInvalid`.
pub fn parse_value(field: &Field, value: &Value) -> Result<FieldValue, Refusal> {
    value_of_kind(field.kind, value).ok_or_else(|| invalid(field, expected(field.kind)))
}

/// The value, if it is one of this kind and within its bounds.
pub fn value_of_kind(kind: FieldKind, value: &Value) -> Option<FieldValue> {
    let text = |max: usize| {
        let text = value.as_str().filter(|text| text.len() <= max || text.chars().count() <= max);
        text.map(|text| FieldValue::Text(text.to_owned()))
    };
    match kind {
        FieldKind::Text => text(TEXT_CHARS_MAX),
        FieldKind::TextFilterable | FieldKind::TextUnique => text(FILTERABLE_CHARS_MAX),
        FieldKind::Number => number(value).map(FieldValue::Number),
        FieldKind::Decimal => decimal(value).map(FieldValue::Decimal),
        FieldKind::Boolean => value.as_bool().map(FieldValue::Boolean),
        FieldKind::Date => value.as_str().and_then(date).map(FieldValue::Date),
        FieldKind::Email => {
            value.as_str().filter(|text| Email::parse(text).is_some()).map(|t| FieldValue::Text(t.into()))
        }
        FieldKind::Url => value.as_str().filter(|text| is_url(text)).map(|t| FieldValue::Text(t.into())),
        FieldKind::Reference
        | FieldKind::ReferenceMany
        | FieldKind::MemberReference
        | FieldKind::MemberReferenceMany => None,
    }
}

/// An integer within the range that JavaScript holds exactly. `5.0` is one.
pub fn number(value: &Value) -> Option<i64> {
    let whole =
        |float: f64| (float.fract() == 0.0 && float.abs() <= NUMBER_MAX as f64).then_some(float as i64);
    let number = value.as_i64().or_else(|| value.as_f64().and_then(whole))?;
    (-NUMBER_MAX..=NUMBER_MAX).contains(&number).then_some(number)
}

/// A number or its text. A text is the way to more digits than a JSON number carries.
pub fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::from_json(number),
        Value::String(text) => Decimal::parse(text),
        _ => None,
    }
}

/// An ISO 8601 date or date-time between the years 1 and 9999, to the millisecond (what is below it is cut
/// off). Without an offset it is UTC.
pub fn date(text: &str) -> Option<Timestamp> {
    // By parts, because the library's own moments end a day before the year 9999 does.
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or(jiff::civil::Time::midnight()));
    let offset = pieces.to_numeric_offset().map_or(0, |offset| i128::from(offset.seconds()));
    let nanos = civil.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_nanos();
    let millis = (nanos - offset * 1_000_000_000).div_euclid(1_000_000);
    let moment = Timestamp::from_micros(i64::try_from(millis * 1_000).ok()?);
    (Timestamp::YEAR_1..=Timestamp::YEAR_9999).contains(&moment).then_some(moment)
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    text.len() <= URL_BYTES_MAX
        && plain
        && host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// What a field of this kind takes, for people.
pub const fn expected(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text of at most 65,536 characters",
        FieldKind::TextFilterable | FieldKind::TextUnique => "text of at most 255 characters",
        FieldKind::Number => "an integer between -9007199254740991 and 9007199254740991",
        FieldKind::Decimal => "a decimal number, or its text, with at most 28 digits",
        FieldKind::Boolean => "true or false",
        FieldKind::Date => "an ISO date or date-time, such as 2026-01-31T12:00:00Z",
        FieldKind::Email => "an email address",
        FieldKind::Url => "an http or https URL",
        FieldKind::Reference => "a record's id, or {connect} or {disconnect}",
        FieldKind::ReferenceMany => "a list of records' ids, or {connect} or {disconnect}",
        FieldKind::MemberReference => "a member's id, or {connect} or {disconnect}",
        FieldKind::MemberReferenceMany => "a list of members' ids, or {connect} or {disconnect}",
    }
}

/// The refusal of a value. It names the field and never quotes the value.
pub fn invalid(field: &Field, expected: &str) -> Refusal {
    Refusal::because(Code::FieldValueInvalid, format!("The field {} takes {expected}.", field.key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_of_their_kind_or_refused() {
        use FieldKind::{Boolean, Date, Decimal, Email, Number, Text, TextFilterable, Url};
        let long = "x".repeat(256);
        for (kind, good, bad) in [
            (Text, json!(["", "a", "é'; DROP TABLE x;--"]), json!([1, true, ["a"], {}, 1.5])),
            (TextFilterable, json!(["é".repeat(255)]), json!([long])),
            (Number, json!([0, -3, 5.0, NUMBER_MAX]), json!(["1", 1.5, NUMBER_MAX + 1, 1e300, true])),
            (Decimal, json!([1, "1.10", -0.5]), json!(["", "x", "1e5", true, 1e300])),
            (Boolean, json!([true, false]), json!([0, "true"])),
            (
                Date,
                json!(["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123+02:00"]),
                json!(["yesterday", "2026-02-30", 5, "", "-000001-01-01T00:00:00Z"]),
            ),
            (Email, json!(["a@b.io"]), json!(["a", 1])),
            (
                Url,
                json!(["https://a.io/x?y=1"]),
                json!(["javascript:alert(1)", "https://", "http:///x", "a b"]),
            ),
        ] {
            for value in good.as_array().expect("a list") {
                assert!(value_of_kind(kind, value).is_some(), "{kind:?} {value}");
            }
            for value in bad.as_array().expect("a list") {
                assert!(value_of_kind(kind, value).is_none(), "{kind:?} {value}");
            }
        }
    }

    #[test]
    fn dates_are_kept_to_the_millisecond_in_utc() {
        for (given, kept) in [
            ("2026-01-31T12:00:00.123999+02:00", "2026-01-31T10:00:00.123Z"),
            ("2026-01-31", "2026-01-31T00:00:00.000Z"),
            ("2026-01-31T12:00:00", "2026-01-31T12:00:00.000Z"),
            ("2026-01-31T12:00:00-00:30", "2026-01-31T12:30:00.000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999Z"),
            ("9999-12-31", "9999-12-31T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(date(given).map(|moment| moment.to_iso()).as_deref(), Some(kept), "{given}");
        }
        for beyond in ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z"] {
            assert_eq!(date(beyond), None, "{beyond}");
        }
    }
}
