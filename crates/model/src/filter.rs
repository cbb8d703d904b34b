//! Which records a filter matches, in the three-valued logic of SQL: a comparison with nothing is
//! neither true nor false (`None`).

use crate::world::{Row, World, member_id, record_id};
use guildhall_domain::query::{Comparison, Filter, Operand};
use guildhall_domain::record::FieldValue;
use std::cmp::Ordering;

impl World {
    /// Whether a record of a table is among those that a filter means.
    pub fn matches(&self, table: i64, row: &Row, filter: &Filter) -> bool {
        truth(table, row, filter) == Some(true)
    }
}

fn truth(table: i64, row: &Row, filter: &Filter) -> Option<bool> {
    match filter {
        Filter::All(parts) => all(parts.iter().map(|part| truth(table, row, part))),
        Filter::Any(parts) => all(parts.iter().map(|part| negate(truth(table, row, part)))).map(|all| !all),
        Filter::Not(part) => negate(truth(table, row, part)),
        Filter::Is(operand, comparison) => compare(operand_of(table, row, *operand), comparison),
    }
}

fn negate(truth: Option<bool>) -> Option<bool> {
    truth.map(|truth| !truth)
}

/// False if one is false, else unknown if one is unknown, else true.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<_> = parts.collect();
    if parts.contains(&Some(false)) {
        return Some(false);
    }
    (!parts.contains(&None)).then_some(true)
}

/// What a filter or an order sees of a record. What is pointed at is seen by its id.
pub(crate) fn operand_of(table: i64, row: &Row, operand: Operand) -> Option<FieldValue> {
    let text = FieldValue::Text;
    match operand {
        Operand::Id => Some(text(record_id(table, row.number))),
        Operand::Owner => row.owner.map(|owner| text(member_id(owner))),
        Operand::InternalOrder => Some(FieldValue::Number(row.number)),
        Operand::CreatedAt => Some(FieldValue::Date(row.created_at)),
        Operand::UpdatedAt => Some(FieldValue::Date(row.updated_at)),
        Operand::Field { number, referenced_table, .. } => match row.values.get(&number)? {
            FieldValue::Reference { key, .. } => Some(text(World::target_id(referenced_table, *key))),
            value => Some(value.clone()),
        },
    }
}

fn compare(value: Option<FieldValue>, comparison: &Comparison) -> Option<bool> {
    match comparison {
        Comparison::Null => return Some(value.is_none()),
        Comparison::NotNull => return Some(value.is_some()),
        Comparison::In(values) if values.is_empty() => return Some(false),
        Comparison::IgnoringCase(inner) => return compare(value.map(in_lower_case), inner),
        _ => {}
    }
    let value = value?;
    let against = |other: &FieldValue| ordering(&value, other);
    Some(match comparison {
        Comparison::Equal(other) => against(other).is_eq(),
        Comparison::In(values) => values.iter().any(|other| against(other).is_eq()),
        Comparison::Less(other) => against(other).is_lt(),
        Comparison::LessOrEqual(other) => against(other).is_le(),
        Comparison::Greater(other) => against(other).is_gt(),
        Comparison::GreaterOrEqual(other) => against(other).is_ge(),
        Comparison::Contains(part) => characters(&value).holds(part),
        Comparison::StartsWith(part) => characters(&value).starts_with(part),
        Comparison::EndsWith(part) => characters(&value).ends_with(part),
        Comparison::Null | Comparison::NotNull | Comparison::IgnoringCase(_) => unreachable!("handled above"),
    })
}

/// Each character in lower case by itself.
fn in_lower_case(value: FieldValue) -> FieldValue {
    match value {
        FieldValue::Text(text) => {
            FieldValue::Text(text.chars().map(|c| c.to_lowercase().to_string()).collect())
        }
        other => other,
    }
}

/// The order of two values of one kind: texts by code point, decimals and the rest as numbers.
pub(crate) fn ordering(one: &FieldValue, other: &FieldValue) -> Ordering {
    match (one, other) {
        (FieldValue::Text(one), FieldValue::Text(other)) => one.chars().cmp(other.chars()),
        (FieldValue::Number(one), FieldValue::Number(other)) => one.cmp(other),
        (FieldValue::Decimal(one), FieldValue::Decimal(other)) => one.cmp(other),
        (FieldValue::Boolean(one), FieldValue::Boolean(other)) => one.cmp(other),
        (FieldValue::Date(one), FieldValue::Date(other)) => one.cmp(other),
        _ => unreachable!("only values of one kind are compared"),
    }
}

/// A text as its characters.
struct Characters(Vec<char>);

fn characters(value: &FieldValue) -> Characters {
    match value {
        FieldValue::Text(text) => Characters(text.chars().collect()),
        _ => unreachable!("only texts have parts"),
    }
}

impl Characters {
    fn holds(&self, part: &str) -> bool {
        let part: Vec<char> = part.chars().collect();
        part.is_empty() || self.0.windows(part.len()).any(|window| window == part)
    }

    fn starts_with(&self, part: &str) -> bool {
        self.0.starts_with(&part.chars().collect::<Vec<_>>())
    }

    fn ends_with(&self, part: &str) -> bool {
        self.0.ends_with(&part.chars().collect::<Vec<_>>())
    }
}
