//! `where`: a tree of conditions, typed by the table's fields.
//!
//! The logic is SQL's, as the vendor's is: a comparison with a field that has no value is neither true
//! nor false, so neither it nor its negation matches. Texts compare by code point; case counts unless
//! `mode` is `insensitive`.

mod reader;
mod subject;

use crate::data_table::{DataTable, Field, FieldKind};
use crate::record::FieldValue;
use crate::refusal::Refusal;
use reader::Reader;
use serde_json::Value;

/// How many conditions a filter may have (Memberstack).
pub const CONDITIONS_MAX: usize = 50;
/// How deep AND, OR and NOT may nest.
pub const DEPTH_MAX: usize = 10;
/// How many values all conditions may have together.
pub const VALUES_MAX: usize = 500;

/// Which records are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these; of none: every record.
    All(Vec<Filter>),
    /// At least one of these; of none: no record.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A comparison.
    Is(Operand, Comparison),
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A field that is kept in a column.
    Field {
        /// Its number.
        number: i64,
        /// Its kind.
        kind: FieldKind,
        /// The number of the table it points at.
        referenced_table: Option<i64>,
    },
    /// The record's id.
    Id,
    /// When it was made.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// Its number in table and environment.
    InternalOrder,
    /// The member it belongs to.
    Owner,
}

/// How it is compared. Ids are [`FieldValue::Text`] here: what they name is for the store to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Whether there is no value.
    Null,
    /// Whether there is one.
    NotNull,
    /// The same value.
    Equal(FieldValue),
    /// One of these values; of none: never.
    In(Vec<FieldValue>),
    /// Smaller.
    Less(FieldValue),
    /// Smaller, or the same.
    LessOrEqual(FieldValue),
    /// Larger.
    Greater(FieldValue),
    /// Larger, or the same.
    GreaterOrEqual(FieldValue),
    /// Holds this text. Nothing in it is a wildcard.
    Contains(String),
    /// Starts with this text.
    StartsWith(String),
    /// Ends with this text.
    EndsWith(String),
    /// The same without regard to case. The values inside are folded ([`crate::text::fold`]).
    IgnoringCase(Box<Comparison>),
}

impl Filter {
    /// Matches every record.
    pub const fn everything() -> Self {
        Filter::All(Vec::new())
    }

    /// Whether it is known without looking that every record matches.
    pub fn is_everything(&self) -> bool {
        matches!(self, Filter::All(parts) if parts.iter().all(Filter::is_everything))
    }

    /// Reads `where`.
    ///
    /// # Errors
    /// `RecordQueryInvalid`, `FieldUnknown`, `FieldValueInvalid`.
    pub fn parse(given: Option<&Value>, table: &DataTable) -> Result<Self, Refusal> {
        match given {
            None => Ok(Filter::everything()),
            Some(given) => Reader::of(table).read(given),
        }
    }
}

impl Comparison {
    /// The same without regard to case.
    fn ignoring_case(self) -> Self {
        let fold_value = |value: FieldValue| match value {
            FieldValue::Text(text) => FieldValue::Text(crate::text::fold(&text)),
            other => other,
        };
        let folded = match self {
            Comparison::Equal(value) => Comparison::Equal(fold_value(value)),
            Comparison::In(values) => Comparison::In(values.into_iter().map(fold_value).collect()),
            Comparison::Less(value) => Comparison::Less(fold_value(value)),
            Comparison::LessOrEqual(value) => Comparison::LessOrEqual(fold_value(value)),
            Comparison::Greater(value) => Comparison::Greater(fold_value(value)),
            Comparison::GreaterOrEqual(value) => Comparison::GreaterOrEqual(fold_value(value)),
            Comparison::Contains(text) => Comparison::Contains(crate::text::fold(&text)),
            Comparison::StartsWith(text) => Comparison::StartsWith(crate::text::fold(&text)),
            Comparison::EndsWith(text) => Comparison::EndsWith(crate::text::fold(&text)),
            nulls @ (Comparison::Null | Comparison::NotNull | Comparison::IgnoringCase(_)) => return nulls,
        };
        Comparison::IgnoringCase(Box::new(folded))
    }
}

impl Operand {
    /// Of a field that is kept in a column.
    pub fn of(field: &Field) -> Self {
        Operand::Field { number: field.number, kind: field.kind, referenced_table: field.referenced_table }
    }
}
