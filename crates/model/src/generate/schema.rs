//! Random tables.

use super::{Choices, values};
use guildhall_domain::data_table::FieldKind;
use serde_json::Value;

/// A table to be.
#[derive(Clone, Debug)]
pub struct TableSketch {
    /// Its key.
    pub key: String,
    /// Its fields.
    pub fields: Vec<FieldSketch>,
}

/// A field to be.
#[derive(Clone, Debug)]
pub struct FieldSketch {
    /// Its key.
    pub key: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether every write must leave it with a value.
    pub required: bool,
    /// Whether its values are unique.
    pub unique: bool,
    /// What new records get.
    pub default: Option<Value>,
    /// Which of the tables it points at, by index.
    pub target: Option<usize>,
}

/// Two or three tables with up to nine fields each. They point at themselves and at each other.
pub fn schema(choices: &mut Choices<'_>) -> Vec<TableSketch> {
    let tables = 2 + choices.below(2);
    let table = |index| {
        let fields = 3 + choices.below(7);
        let fields = (0..fields).map(|number| field(choices, number, tables)).collect();
        TableSketch { key: format!("table{index}"), fields }
    };
    (0..tables).map(table).collect()
}

fn field(choices: &mut Choices<'_>, number: usize, tables: usize) -> FieldSketch {
    let kind = choices.pick(FieldKind::ALL);
    let unique = kind == FieldKind::TextUnique || (kind.can_be_unique() && choices.once_in(6));
    let default = !unique && !kind.is_relation() && choices.once_in(4);
    FieldSketch {
        key: format!("f{number}_{}", kind.as_str().to_lowercase()),
        kind,
        required: choices.once_in(8),
        unique,
        default: default.then(|| values::good(choices, kind)),
        target: kind.points_at_records().then(|| choices.below(tables)),
    }
}
