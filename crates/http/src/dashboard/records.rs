//! The records of a data table: a grid with filter, order and pages, and a form for one record.

mod form;
mod grid;

pub(super) use form::{create, delete, new, show, update};
pub(super) use grid::list;

use super::tables::shown;
use guildhall_app::records::Node;
use guildhall_domain::data_table::DataTable;

/// A label for a record in a picker: its first text, then its id.
fn label(node: &Node, table: &DataTable) -> String {
    let texts = table.fields.iter().filter(|field| field.kind.is_text());
    let text =
        texts.filter_map(|field| node.record.value(field.number)).map(shown).find(|text| !text.is_empty());
    text.map_or_else(|| node.record.id.clone(), |text| text.chars().take(80).collect())
}
