//! `where`: a tree of conditions, typed by the table's fields.
//!
//! The logic is SQL's, as the vendor's is: a comparison with a field that has no value is neither true
//! nor false, so neither it nor its negation matches. Texts compare by code point; case counts unless
//! `mode` is `insensitive`.

use super::refused;
use crate::Code;
use crate::data_table::{DataTable, Field, FieldKind};
use crate::record::{self, FieldValue};
use crate::refusal::Refusal;
use crate::text::is_id;
use serde_json::{Map, Value};

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
        let mut reader = Reader { table, conditions: 0, values: 0 };
        match given {
            None => Ok(Filter::everything()),
            Some(given) => reader.group(given, 0),
        }
    }
}

struct Reader<'t> {
    table: &'t DataTable,
    conditions: usize,
    values: usize,
}

impl Reader<'_> {
    /// An object of conditions, all of which must hold.
    fn group(&mut self, given: &Value, depth: usize) -> Result<Filter, Refusal> {
        let Value::Object(conditions) = given else {
            return Err(refused("where must be an object of conditions"));
        };
        if depth > DEPTH_MAX {
            return Err(refused(format!("where may be nested at most {DEPTH_MAX} deep")));
        }
        let mut parts = Vec::with_capacity(conditions.len());
        for (name, value) in conditions {
            parts.push(match name.as_str() {
                "AND" => Filter::All(self.groups(value, depth + 1)?),
                // Of one condition there is no choice, so an object here is a slip.
                "OR" if !value.is_array() => return Err(refused("OR must be a list of conditions")),
                "OR" => Filter::Any(self.groups(value, depth + 1)?),
                "NOT" => {
                    let groups = self.groups(value, depth + 1)?;
                    Filter::All(groups.into_iter().map(|group| Filter::Not(Box::new(group))).collect())
                }
                name => self.conditions(name, value)?,
            });
        }
        Ok(single(parts))
    }

    /// A list of groups, or one.
    fn groups(&mut self, given: &Value, depth: usize) -> Result<Vec<Filter>, Refusal> {
        match given {
            Value::Array(groups) => {
                let mut read = Vec::new();
                for group in groups {
                    let before = self.conditions;
                    read.push(self.group(group, depth)?);
                    if self.conditions == before {
                        // A long list of groups that say nothing is still a long list.
                        self.count_condition()?;
                    }
                }
                Ok(read)
            }
            one => Ok(vec![self.group(one, depth)?]),
        }
    }

    /// What is said about one operand: a value, or an object of operators.
    fn conditions(&mut self, name: &str, value: &Value) -> Result<Filter, Refusal> {
        let subject = Subject::named(name, self.table)?;
        match value {
            Value::Object(operators) => self.operators(&subject, operators, 0),
            value => self.equal(&subject, value, false),
        }
    }

    fn operators(
        &mut self,
        subject: &Subject<'_>,
        operators: &Map<String, Value>,
        depth: usize,
    ) -> Result<Filter, Refusal> {
        if depth > DEPTH_MAX {
            return Err(refused(format!("not may be nested at most {DEPTH_MAX} deep")));
        }
        let insensitive = match operators.get("mode") {
            None => false,
            Some(Value::String(mode)) if mode == "default" => false,
            Some(Value::String(mode)) if mode == "insensitive" => true,
            Some(_) => return Err(refused("mode must be \"insensitive\" or \"default\"")),
        };
        if operators.contains_key("mode") && !subject.is_text() {
            return Err(refused(format!("mode is for text; {} holds none", subject.name)));
        }
        let mut parts = Vec::with_capacity(operators.len());
        for (operator, value) in operators.iter().filter(|(operator, _)| *operator != "mode") {
            parts.push(self.operator(subject, operator, value, insensitive, depth)?);
        }
        Ok(single(parts))
    }

    fn operator(
        &mut self,
        subject: &Subject<'_>,
        operator: &str,
        value: &Value,
        insensitive: bool,
        depth: usize,
    ) -> Result<Filter, Refusal> {
        type Make = fn(FieldValue) -> Comparison;
        let ordered: Option<Make> = match operator {
            "lt" => Some(Comparison::Less),
            "lte" => Some(Comparison::LessOrEqual),
            "gt" => Some(Comparison::Greater),
            "gte" => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(make) = ordered {
            if !subject.is_ordered() {
                return Err(refused(format!("{operator} does not apply to {}", subject.name)));
            }
            let value = self.value(subject, value)?;
            return self.condition(subject, make(value), insensitive);
        }
        match operator {
            "equals" => self.equal(subject, value, insensitive),
            "not" => match value {
                Value::Null => self.condition(subject, Comparison::NotNull, false),
                Value::Object(operators) => {
                    let mut inner = operators.clone();
                    if insensitive {
                        inner.insert("mode".into(), "insensitive".into());
                    }
                    let inner = self.operators(subject, &inner, depth + 1)?;
                    Ok(Filter::Not(Box::new(inner)))
                }
                value => Ok(Filter::Not(Box::new(self.equal(subject, value, insensitive)?))),
            },
            "in" => self.one_of(subject, value, insensitive),
            "notIn" => Ok(Filter::Not(Box::new(self.one_of(subject, value, insensitive)?))),
            "contains" | "startsWith" | "endsWith" | "search" => {
                self.text(subject, operator, value, insensitive)
            }
            _ => Err(refused(format!(
                "An operator on {} is not known; known are equals, not, in, notIn, lt, lte, gt, gte, contains, \
                 startsWith, endsWith, search and mode",
                subject.name
            ))),
        }
    }

    fn equal(&mut self, subject: &Subject<'_>, value: &Value, insensitive: bool) -> Result<Filter, Refusal> {
        if value.is_null() {
            return self.condition(subject, Comparison::Null, false);
        }
        let value = self.value(subject, value)?;
        self.condition(subject, Comparison::Equal(value), insensitive)
    }

    fn one_of(&mut self, subject: &Subject<'_>, value: &Value, insensitive: bool) -> Result<Filter, Refusal> {
        let Value::Array(items) = value else {
            return Err(refused(format!("in and notIn take a list of values for {}", subject.name)));
        };
        let values = items.iter().map(|item| self.value(subject, item)).collect::<Result<_, _>>()?;
        self.condition(subject, Comparison::In(values), insensitive)
    }

    /// The operators for parts of a text.
    fn text(
        &mut self,
        subject: &Subject<'_>,
        operator: &str,
        value: &Value,
        insensitive: bool,
    ) -> Result<Filter, Refusal> {
        if !subject.is_text() {
            return Err(refused(format!("{operator} is for text; {} holds none", subject.name)));
        }
        let text = value.as_str().filter(|text| text.chars().count() <= record::FILTERABLE_CHARS_MAX);
        let text = text.ok_or_else(|| {
            let message = format!("{operator} takes a text of at most 255 characters.");
            Refusal::because(Code::FieldValueInvalid, message)
        })?;
        self.count_value()?;
        let text = text.to_owned();
        match operator {
            "contains" => self.condition(subject, Comparison::Contains(text), insensitive),
            "startsWith" => self.condition(subject, Comparison::StartsWith(text), insensitive),
            "endsWith" => self.condition(subject, Comparison::EndsWith(text), insensitive),
            // Every word, wherever it stands.
            _ => {
                let words = text.split_whitespace();
                let found = words.map(|word| {
                    self.count_value()?;
                    self.condition(subject, Comparison::Contains(word.to_owned()), true)
                });
                Ok(single(found.collect::<Result<_, _>>()?))
            }
        }
    }

    fn value(&mut self, subject: &Subject<'_>, value: &Value) -> Result<FieldValue, Refusal> {
        self.count_value()?;
        subject.value(value)
    }

    fn condition(
        &mut self,
        subject: &Subject<'_>,
        comparison: Comparison,
        insensitive: bool,
    ) -> Result<Filter, Refusal> {
        self.count_condition()?;
        let comparison = if insensitive { comparison.ignoring_case() } else { comparison };
        Ok(Filter::Is(subject.operand, comparison))
    }

    fn count_condition(&mut self) -> Result<(), Refusal> {
        self.conditions += 1;
        match self.conditions <= CONDITIONS_MAX {
            true => Ok(()),
            false => Err(refused(format!("where may have at most {CONDITIONS_MAX} conditions"))),
        }
    }

    fn count_value(&mut self) -> Result<(), Refusal> {
        self.values += 1;
        match self.values <= VALUES_MAX {
            true => Ok(()),
            false => Err(refused(format!("where may have at most {VALUES_MAX} values"))),
        }
    }
}

impl Comparison {
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

/// What a condition speaks of, with the name that messages use.
struct Subject<'t> {
    name: &'t str,
    operand: Operand,
    field: Option<&'t Field>,
}

impl<'t> Subject<'t> {
    fn named(name: &str, table: &'t DataTable) -> Result<Self, Refusal> {
        let system = |name, operand| Ok(Self { name, operand, field: None });
        match name {
            "id" => system("id", Operand::Id),
            "createdAt" => system("createdAt", Operand::CreatedAt),
            "updatedAt" => system("updatedAt", Operand::UpdatedAt),
            "internalOrder" => system("internalOrder", Operand::InternalOrder),
            "createdByMemberId" => system("createdByMemberId", Operand::Owner),
            name => {
                let field = table.known_field(name)?;
                if field.kind.is_many() {
                    let message = format!(
                        "The field {} holds many references; records cannot be filtered by it",
                        field.key
                    );
                    return Err(refused(message));
                }
                Ok(Self { name: &field.key, operand: Operand::of(field), field: Some(field) })
            }
        }
    }

    fn is_text(&self) -> bool {
        self.field.is_some_and(|field| field.kind.is_text())
    }

    fn is_ordered(&self) -> bool {
        match self.operand {
            Operand::Id | Operand::Owner => false,
            Operand::Field { kind, .. } => !kind.is_relation() && kind != FieldKind::Boolean,
            Operand::CreatedAt | Operand::UpdatedAt | Operand::InternalOrder => true,
        }
    }

    fn value(&self, value: &Value) -> Result<FieldValue, Refusal> {
        let id = || {
            let id = value.as_str().filter(|id| is_id(id));
            id.map(|id| FieldValue::Text(id.to_owned()))
        };
        let read = match self.operand {
            Operand::Id | Operand::Owner => id(),
            Operand::InternalOrder => record::number(value).map(FieldValue::Number),
            Operand::CreatedAt | Operand::UpdatedAt => {
                value.as_str().and_then(record::date).map(FieldValue::Date)
            }
            Operand::Field { kind, .. } if kind.is_relation() => id(),
            // What a field would not take can still be compared with: part of an address, say.
            Operand::Field { kind, .. } if kind.is_text() => record::value_of_kind(FieldKind::Text, value),
            Operand::Field { kind, .. } => record::value_of_kind(kind, value),
        };
        read.ok_or_else(|| {
            let expected =
                self.field.map_or("an id, a date or a number", |field| record::expected(field.kind));
            Refusal::because(Code::FieldValueInvalid, format!("{} is compared with {expected}.", self.name))
        })
    }
}

impl Operand {
    /// Of a field that is kept in a column.
    pub fn of(field: &Field) -> Self {
        Operand::Field { number: field.number, kind: field.kind, referenced_table: field.referenced_table }
    }
}

/// One part by itself, or all of several.
fn single(mut parts: Vec<Filter>) -> Filter {
    match parts.len() {
        1 => parts.remove(0),
        _ => Filter::All(parts),
    }
}
