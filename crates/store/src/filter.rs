//! From a typed filter, order and cursor to SQL. Every value is bound; names come from numbers of ours.
//!
//! The meaning is the same on both engines because each construct is: texts compare by bytes, decimals
//! are texts whose order is theirs, case is folded before it is stored, and parts of texts are found by
//! functions that know no wildcards.

use crate::records::RecordPlace;
use crate::statement::{Bound, Statement};
use guildhall_domain::data_table::FieldKind;
use guildhall_domain::query::{Comparison, Direction, Filter, Operand, OrderTerm};
use guildhall_domain::record::FieldValue;
use guildhall_domain::record_id::RecordKey;

/// Appends a filter as one condition.
pub(crate) fn write_filter(sql: &mut Statement, filter: &Filter, place: &RecordPlace<'_>) {
    match filter {
        Filter::All(parts) if parts.is_empty() => {
            sql.push("(1 = 1)");
        }
        Filter::Any(parts) if parts.is_empty() => {
            sql.push("(1 = 0)");
        }
        Filter::All(parts) => group(sql, parts, " AND ", place),
        Filter::Any(parts) => group(sql, parts, " OR ", place),
        Filter::Not(part) => {
            sql.push("NOT (");
            write_filter(sql, part, place);
            sql.push(")");
        }
        Filter::Is(operand, comparison) => write_comparison(sql, *operand, comparison, false, place),
    }
}

fn group(sql: &mut Statement, parts: &[Filter], between: &str, place: &RecordPlace<'_>) {
    sql.push("(").list(parts, between, |sql, part| write_filter(sql, part, place)).push(")");
}

fn write_comparison(
    sql: &mut Statement,
    operand: Operand,
    comparison: &Comparison,
    folded: bool,
    place: &RecordPlace<'_>,
) {
    let against = |sql: &mut Statement, operator: &str, value: &FieldValue| {
        write_operand(sql, operand, folded);
        sql.push(operator);
        write_value(sql, operand, value, place);
    };
    match comparison {
        Comparison::IgnoringCase(inner) => write_comparison(sql, operand, inner, true, place),
        Comparison::Null => {
            write_operand(sql, operand, false);
            sql.push(" IS NULL");
        }
        Comparison::NotNull => {
            write_operand(sql, operand, false);
            sql.push(" IS NOT NULL");
        }
        Comparison::Equal(value) => against(sql, " = ", value),
        Comparison::Less(value) => against(sql, " < ", value),
        Comparison::LessOrEqual(value) => against(sql, " <= ", value),
        Comparison::Greater(value) => against(sql, " > ", value),
        Comparison::GreaterOrEqual(value) => against(sql, " >= ", value),
        Comparison::In(values) if values.is_empty() => {
            sql.push("(1 = 0)");
        }
        Comparison::In(values) => {
            write_operand(sql, operand, folded);
            sql.push(" IN (")
                .list(values, ", ", |sql, value| write_value(sql, operand, value, place))
                .push(")");
        }
        Comparison::Contains(text) | Comparison::StartsWith(text) | Comparison::EndsWith(text)
            if text.is_empty() =>
        {
            // True, or neither true nor false where there is no value.
            write_operand(sql, operand, folded);
            sql.push(" = ");
            write_operand(sql, operand, folded);
        }
        Comparison::Contains(text) => {
            let position = sql.dialect().position();
            sql.push(position).push("(");
            write_operand(sql, operand, folded);
            sql.push(", ").bind(text.clone()).push(") > 0");
        }
        Comparison::StartsWith(text) => starts_with(sql, operand, text, folded),
        Comparison::EndsWith(text) => {
            let chars = text.chars().count() as i64;
            sql.push("substr(");
            write_operand(sql, operand, folded);
            sql.push(", length(");
            write_operand(sql, operand, folded);
            sql.push(") - ").number(chars).push(" + 1) = ").bind(text.clone());
        }
    }
}

/// A prefix is a range, which an index can serve.
fn starts_with(sql: &mut Statement, operand: Operand, text: &str, folded: bool) {
    sql.push("(");
    write_operand(sql, operand, folded);
    sql.push(" >= ").bind(text.to_owned());
    if let Some(end) = after_prefix(text) {
        sql.push(" AND ");
        write_operand(sql, operand, folded);
        sql.push(" < ").bind(end);
    }
    sql.push(")");
}

/// The first text after all that start with this one, by code points; nothing if there is none.
fn after_prefix(text: &str) -> Option<String> {
    let mut kept: Vec<char> = text.chars().collect();
    while let Some(last) = kept.pop() {
        // A range of characters passes over the surrogates, which are none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            kept.push(next);
            return Some(kept.into_iter().collect());
        }
    }
    None
}

/// Appends what is compared or ordered by.
fn write_operand(sql: &mut Statement, operand: Operand, folded: bool) {
    match operand {
        Operand::Field { number, .. } if folded => {
            sql.push("COALESCE(r.f").number(number).push("_fold, r.f").number(number).push(")");
        }
        Operand::Field { number, .. } => {
            sql.push("r.f").number(number);
        }
        Operand::Id | Operand::InternalOrder => {
            sql.push("r.key");
        }
        Operand::CreatedAt => {
            sql.push("r.created_at");
        }
        Operand::UpdatedAt => {
            sql.push("r.updated_at");
        }
        Operand::Owner => {
            sql.push("r.owner");
        }
    }
}

/// Appends a value as it is stored for this operand. Ids become the keys of what they name; an id that
/// names nothing becomes a key that nothing has.
fn write_value(sql: &mut Statement, operand: Operand, value: &FieldValue, place: &RecordPlace<'_>) {
    match (operand, value) {
        (Operand::Id, FieldValue::Text(id)) => record_key(sql, place.table.number, id, place),
        (Operand::Owner, FieldValue::Text(id)) => member_key(sql, id, place),
        (Operand::Field { kind: FieldKind::MemberReference, .. }, FieldValue::Text(id)) => {
            member_key(sql, id, place);
        }
        (Operand::Field { referenced_table: Some(table), .. }, FieldValue::Text(id)) => {
            record_key(sql, table, id, place);
        }
        (Operand::InternalOrder, FieldValue::Number(number)) => {
            sql.bind(RecordKey::new(place.environment.id, *number).stored());
        }
        (_, value) => {
            sql.bind(stored(value));
        }
    }
}

/// A value as its column holds it.
pub(crate) fn stored(value: &FieldValue) -> Bound {
    match value {
        FieldValue::Text(text) => Bound::Text(text.clone()),
        FieldValue::Number(number) => Bound::Int(*number),
        FieldValue::Decimal(decimal) => Bound::Text(decimal.to_stored()),
        FieldValue::Boolean(truth) => Bound::Bool(*truth),
        FieldValue::Date(moment) => Bound::Int(moment.micros()),
        FieldValue::Reference { key, .. } => Bound::Int(*key),
    }
}

const NOTHING: &str = "-1";

fn record_key(sql: &mut Statement, table: i64, id: &str, place: &RecordPlace<'_>) {
    let environment = place.environment.id;
    if let Some(key) = place.codecs.records.open(table, environment, id) {
        sql.bind(key.stored());
    } else if place.has_imported_ids(table) {
        sql.push("COALESCE((SELECT t.key FROM records_").number(table).push(" t WHERE t.environment = ");
        sql.bind(environment.stored()).push(" AND t.id = ").bind(id.to_owned());
        sql.push("), ").push(NOTHING).push(")");
    } else {
        sql.push(NOTHING);
    }
}

fn member_key(sql: &mut Statement, id: &str, place: &RecordPlace<'_>) {
    let environment = place.environment;
    sql.push("COALESCE(");
    if let Some(sequence) = place.codecs.members.open(environment.mode, id) {
        let key = guildhall_domain::member_id::MemberKey::new(environment.id, sequence);
        sql.push("(SELECT m.key FROM members m WHERE m.key = ").bind(key.stored());
        sql.push(" AND m.id = ").bind(id.to_owned()).push("), ");
    }
    sql.push("(SELECT m.key FROM members m WHERE m.environment = ").bind(environment.id.stored());
    sql.push(" AND m.id = ").bind(id.to_owned()).push(" AND m.imported_id), ").push(NOTHING).push(")");
}

/// Appends an `ORDER BY` of these terms and, for what they leave open, the key.
pub(crate) fn write_order(sql: &mut Statement, order: &[OrderTerm], ties: Direction) {
    sql.push(" ORDER BY ");
    for term in order {
        write_operand(sql, term.by, false);
        sql.push(match (term.direction, is_never_null(term.by)) {
            (Direction::Ascending, true) => " ASC, ",
            (Direction::Descending, true) => " DESC, ",
            (Direction::Ascending, false) => " ASC NULLS LAST, ",
            (Direction::Descending, false) => " DESC NULLS FIRST, ",
        });
    }
    sql.push(match ties {
        Direction::Ascending => "r.key ASC",
        Direction::Descending => "r.key DESC",
    });
}

const fn is_never_null(operand: Operand) -> bool {
    matches!(operand, Operand::InternalOrder | Operand::CreatedAt | Operand::UpdatedAt)
}

/// The direction in which ties are broken.
pub(crate) fn tie_direction(order: &[OrderTerm]) -> Direction {
    order.last().map_or(Direction::Ascending, |term| term.direction)
}

/// The terms that decide anything: what comes after `internalOrder` meets no ties.
pub(crate) fn deciding(order: &[OrderTerm]) -> &[OrderTerm] {
    let last = order.iter().position(|term| term.by == Operand::InternalOrder);
    last.map_or(order, |last| &order[..=last])
}

/// Appends the condition that a record comes after the one with this key and these values of the order's
/// terms: behind it in the first term in which they differ.
pub(crate) fn write_after(
    sql: &mut Statement,
    order: &[OrderTerm],
    values: &[Option<Bound>],
    key: RecordKey,
) {
    sql.push("(");
    for (index, term) in order.iter().enumerate() {
        sql.push("(");
        for (earlier, value) in order[..index].iter().zip(values) {
            write_same(sql, earlier.by, value.as_ref());
            sql.push(" AND ");
        }
        write_behind(sql, *term, values[index].as_ref());
        sql.push(") OR ");
    }
    sql.push("(");
    for (term, value) in order.iter().zip(values) {
        write_same(sql, term.by, value.as_ref());
        sql.push(" AND ");
    }
    sql.push(match tie_direction(order) {
        Direction::Ascending => "r.key > ",
        Direction::Descending => "r.key < ",
    });
    sql.bind(key.stored()).push("))");
}

fn write_same(sql: &mut Statement, operand: Operand, value: Option<&Bound>) {
    write_operand(sql, operand, false);
    match value {
        Some(value) => {
            sql.push(" = ").bind(value.clone());
        }
        None => {
            sql.push(" IS NULL");
        }
    }
}

/// Nulls are behind every value in ascending order and before it in descending order.
fn write_behind(sql: &mut Statement, term: OrderTerm, value: Option<&Bound>) {
    match (term.direction, value) {
        (Direction::Ascending, Some(value)) => {
            sql.push("(");
            write_operand(sql, term.by, false);
            sql.push(" > ").bind(value.clone()).push(" OR ");
            write_operand(sql, term.by, false);
            sql.push(" IS NULL)");
        }
        (Direction::Descending, Some(value)) => {
            write_operand(sql, term.by, false);
            sql.push(" < ").bind(value.clone());
        }
        (Direction::Ascending, None) => {
            sql.push("(1 = 0)");
        }
        (Direction::Descending, None) => {
            write_operand(sql, term.by, false);
            sql.push(" IS NOT NULL");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
