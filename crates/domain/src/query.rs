//! Queries over a data table's records: Memberstack's `findMany` and `findUnique`, read from JSON and
//! checked against the app's tables. What comes out of here is typed and bounded; the store turns it
//! into a statement and a test model evaluates it in memory.
//!
//! Bounds: [`CONDITIONS_MAX`], [`DEPTH_MAX`], [`VALUES_MAX`], [`INCLUDES_MAX`], [`INCLUDE_DEPTH_MAX`],
//! [`ORDER_TERMS_MAX`], [`TAKE_MAX`], [`SKIP_MAX`].

mod filter;
mod include;
mod order;

pub use filter::{CONDITIONS_MAX, Comparison, DEPTH_MAX, Filter, Operand, VALUES_MAX};
pub use include::{Cursor, INCLUDE_DEPTH_MAX, INCLUDES_MAX, Include, Relation};
pub use order::{Direction, ORDER_TERMS_MAX, OrderTerm};

use crate::Code;
use crate::data_table::{DataTable, DataTables};
use crate::refusal::Refusal;
use serde_json::{Map, Value};

/// The most records of a page, and as many as come if nothing is said (Memberstack).
pub const TAKE_MAX: i64 = 100;
/// The most records that are passed over (Memberstack).
pub const SKIP_MAX: i64 = 10_000;

/// One of the two queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A page of records, or how many there are.
    FindMany(FindMany),
    /// One record.
    FindUnique(FindUnique),
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindMany {
    /// Which records.
    pub filter: Filter,
    /// In which order; ties are broken by `internalOrder` in the direction of the last term.
    pub order: Vec<OrderTerm>,
    /// How many at most; nothing if nothing was said, which means [`TAKE_MAX`].
    pub take: Option<i64>,
    /// How many to pass over.
    pub skip: i64,
    /// The `internalOrder` of the record after which the page begins.
    pub after: Option<i64>,
    /// What is shown of each record.
    pub shape: Shape,
    /// Whether only the number of records is asked for.
    pub count_only: bool,
}

/// One record by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindUnique {
    /// As the caller gave it.
    pub id: String,
    /// What is shown of it.
    pub shape: Shape,
}

/// What is shown of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Only these fields, by number; nothing: all that are kept in columns.
    pub select: Option<Vec<i64>>,
    /// What is shown along with it.
    pub include: Include,
}

impl Query {
    /// Reads the body's `query`.
    ///
    /// # Errors
    /// `RecordQueryInvalid` with Memberstack's words where it has some; `FieldUnknown`;
    /// `FieldValueInvalid`.
    pub fn parse(query: Option<&Value>, table: &DataTable, tables: &DataTables) -> Result<Self, Refusal> {
        let Some(Value::Object(query)) = query else {
            return Err(refused("Query parameter is required"));
        };
        match (object(query, "findMany")?, object(query, "findUnique")?) {
            (Some(_), Some(_)) => Err(refused("Cannot specify both query.findMany and query.findUnique")),
            (None, None) => Err(refused("Either query.findMany or query.findUnique parameter is required")),
            (Some(many), None) => FindMany::parse(many, table, tables).map(Query::FindMany),
            (None, Some(unique)) => FindUnique::parse(unique, table, tables).map(Query::FindUnique),
        }
    }
}

impl FindMany {
    /// Reads the options of `findMany`.
    ///
    /// # Errors
    /// As [`Query::parse`].
    pub fn parse(
        options: &Map<String, Value>,
        table: &DataTable,
        tables: &DataTables,
    ) -> Result<Self, Refusal> {
        const KNOWN: [&str; 8] = ["where", "include", "select", "orderBy", "take", "skip", "after", "_count"];
        check_names(options, &KNOWN)?;
        let (take, skip) = (take(options)?, skip(options)?);
        let after = given(options, "after").map(cursor_number).transpose()?;
        if after.is_some() && skip > 0 {
            return Err(refused("Use either skip or after, not both"));
        }
        let include = Include::parse(given(options, "include"), table, tables, include::Place::Many)?;
        let shape = Shape::parse(options, include, table)?;
        let mut found = Self {
            filter: Filter::parse(given(options, "where"), table)?,
            order: order::parse(given(options, "orderBy"), table)?,
            take,
            skip,
            after,
            shape,
            count_only: false,
        };
        match given(options, "_count") {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => found.count_only = true,
            Some(other) => found.shape.include.add_counts(other, table)?,
        }
        Ok(found)
    }
}

impl FindUnique {
    fn parse(options: &Map<String, Value>, table: &DataTable, tables: &DataTables) -> Result<Self, Refusal> {
        check_names(options, &["where", "include", "select"])?;
        let id = match given(options, "where") {
            Some(Value::Object(filter)) => match (filter.get("id"), filter.len()) {
                (Some(Value::String(id)), 1) if !id.is_empty() => Some(id.clone()),
                _ => None,
            },
            _ => None,
        };
        let id = id.ok_or_else(|| refused("query.findUnique requires where.id"))?;
        let include = Include::parse(given(options, "include"), table, tables, include::Place::Unique)?;
        Ok(Self { id, shape: Shape::parse(options, include, table)? })
    }
}

impl Shape {
    fn parse(options: &Map<String, Value>, include: Include, table: &DataTable) -> Result<Self, Refusal> {
        let select = match given(options, "select") {
            None => None,
            Some(_) if !include.is_empty() || given(options, "include").is_some() => {
                return Err(refused("Use either select or include, not both"));
            }
            Some(Value::Object(chosen)) => Some(select(chosen, table)?),
            Some(_) => return Err(refused("select must be an object of field: true")),
        };
        Ok(Self { select, include })
    }
}

/// `{field: true}`; fields that hold many references cannot be chosen, they are included.
fn select(chosen: &Map<String, Value>, table: &DataTable) -> Result<Vec<i64>, Refusal> {
    const SYSTEM: [&str; 4] = ["id", "createdAt", "updatedAt", "internalOrder"];
    let mut numbers = Vec::new();
    for (key, value) in chosen {
        let wanted = value.as_bool().ok_or_else(|| refused("select must be an object of field: true"))?;
        if SYSTEM.contains(&key.as_str()) {
            continue;
        }
        let field = table.known_field(key)?;
        if field.kind.is_many() {
            return Err(refused(format!(
                "The field {} cannot be selected; include it in findUnique.",
                field.key
            )));
        }
        if wanted {
            numbers.push(field.number);
        }
    }
    Ok(numbers)
}

fn take(options: &Map<String, Value>) -> Result<Option<i64>, Refusal> {
    let Some(value) = given(options, "take") else {
        return Ok(None);
    };
    let take = value.as_i64().filter(|take| (1..=TAKE_MAX).contains(take));
    take.map(Some).ok_or_else(|| refused("take must be between 1 and 100"))
}

fn skip(options: &Map<String, Value>) -> Result<i64, Refusal> {
    let Some(value) = given(options, "skip") else {
        return Ok(0);
    };
    let skip = value.as_i64().filter(|skip| (0..=SKIP_MAX).contains(skip));
    skip.ok_or_else(|| refused("skip must be between 0 and 10000"))
}

/// A number, or its text.
fn cursor_number(value: &Value) -> Result<i64, Refusal> {
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = match value {
        Value::String(text) => Some(text.as_str()).filter(digits).and_then(|text| text.parse().ok()),
        other => other.as_i64().filter(|number| *number >= 0),
    };
    number.ok_or_else(|| refused("after must be the internalOrder of a record"))
}

/// An option, unless it is absent or null.
fn given<'o>(options: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    options.get(name).filter(|value| !value.is_null())
}

fn object<'o>(
    options: &'o Map<String, Value>,
    name: &str,
) -> Result<Option<&'o Map<String, Value>>, Refusal> {
    match given(options, name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(refused(format!("query.{name} must be an object"))),
    }
}

/// Refuses what is not one of our options: passed over silently, a mistyped `where` would match
/// everything.
fn check_names(options: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match options.keys().all(|name| known.contains(&name.as_str())) {
        true => Ok(()),
        false => Err(refused(format!("An option is not known here; known are {}", known.join(", ")))),
    }
}

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::because(Code::RecordQueryInvalid, message)
}
