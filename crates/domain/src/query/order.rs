//! `orderBy`: in which order records come. Records without a value come last in ascending and first in
//! descending order, as with the vendor's database.

use super::filter::Operand;
use super::refused;
use crate::data_table::DataTable;
use crate::refusal::Refusal;
use serde_json::{Map, Value};

/// How many terms an order may have.
pub const ORDER_TERMS_MAX: usize = 8;

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// One term of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerm {
    /// By what.
    pub by: Operand,
    /// Which way.
    pub direction: Direction,
}

/// Reads `orderBy`: an object, or a list of objects, of `field: "asc" | "desc"` in any case.
pub(super) fn parse(given: Option<&Value>, table: &DataTable) -> Result<Vec<OrderTerm>, Refusal> {
    let mut terms = Vec::new();
    match given {
        None => {}
        Some(Value::Object(object)) => read(object, table, &mut terms)?,
        Some(Value::Array(items)) => {
            for item in items {
                let object = item.as_object().ok_or_else(malformed)?;
                read(object, table, &mut terms)?;
            }
        }
        Some(_) => return Err(malformed()),
    }
    Ok(terms)
}

fn read(object: &Map<String, Value>, table: &DataTable, terms: &mut Vec<OrderTerm>) -> Result<(), Refusal> {
    for (name, direction) in object {
        let direction = match direction.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("asc") => Direction::Ascending,
            Some("desc") => Direction::Descending,
            _ => return Err(malformed()),
        };
        let by = operand(name, table)?;
        if terms.len() == ORDER_TERMS_MAX {
            return Err(refused(format!("orderBy may have at most {ORDER_TERMS_MAX} terms")));
        }
        // A second term by the same thing decides nothing.
        if !terms.iter().any(|term| term.by == by) {
            terms.push(OrderTerm { by, direction });
        }
    }
    Ok(())
}

fn operand(name: &str, table: &DataTable) -> Result<Operand, Refusal> {
    match name {
        "internalOrder" => Ok(Operand::InternalOrder),
        "createdAt" => Ok(Operand::CreatedAt),
        "updatedAt" => Ok(Operand::UpdatedAt),
        "id" => Err(refused("Records cannot be ordered by id; order by internalOrder")),
        name => {
            let field = table.known_field(name)?;
            match field.kind.is_relation() {
                true => Err(refused(format!("Records cannot be ordered by the reference {}", field.key))),
                false => Ok(Operand::of(field)),
            }
        }
    }
}

fn malformed() -> Refusal {
    refused("orderBy must be an object, or a list of objects, of field: \"asc\" or \"desc\"")
}
