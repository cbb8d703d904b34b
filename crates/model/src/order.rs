//! In which order records come, and which come after a cursor.

use crate::filter::{operand_of, ordering};
use crate::world::Row;
use guildhall_domain::query::{Direction, Operand, OrderTerm};
use std::cmp::Ordering;

/// The order of two records of a table. Nothing comes after every value, so last in ascending and first
/// in descending order; what the terms leave open is decided by number, in the last term's direction.
pub(crate) fn compare(table: i64, one: &Row, other: &Row, terms: &[OrderTerm]) -> Ordering {
    for term in terms {
        let ascending = match (operand_of(table, one, term.by), operand_of(table, other, term.by)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(other)) => ordering(&one, &other),
        };
        if ascending.is_ne() {
            return directed(ascending, term.direction);
        }
    }
    let direction = terms.last().map_or(Direction::Ascending, |term| term.direction);
    directed(one.number.cmp(&other.number), direction)
}

fn directed(ascending: Ordering, direction: Direction) -> Ordering {
    match direction {
        Direction::Ascending => ascending,
        Direction::Descending => ascending.reverse(),
    }
}

/// Whether the order is by number alone. Then a cursor is only a number, and nothing need be there.
pub(crate) fn is_by_number(terms: &[OrderTerm]) -> Option<Direction> {
    match terms.first() {
        None => Some(Direction::Ascending),
        Some(first) => (first.by == Operand::InternalOrder).then_some(first.direction),
    }
}
