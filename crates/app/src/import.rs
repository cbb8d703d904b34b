//! Rows that are brought in from files, whatever they become: what all imports and exports share.

use guildhall_domain::json as strict_json;
use serde_json::{Map, Value};

/// The fields of a row.
type Object = Map<String, Value>;

/// One row and where it stood.
pub struct ImportRow {
    /// Line of the file, from 1.
    pub line: u64,
    /// The row as an object, or why it is none.
    pub fields: Result<Object, String>,
}

impl ImportRow {
    /// A line of JSON.
    pub fn from_json_line(line: u64, text: &str) -> Self {
        let fields = match strict_json::parse(text.as_bytes()) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err("the line is not a JSON object".into()),
            Err(error) => Err(error.to_string()),
        };
        Self { line, fields }
    }
}

/// What to do about a row that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Go on with the next.
    Skip,
    /// Take no more.
    Stop,
}

/// What became of an import.
#[derive(Debug, Default)]
pub struct ImportOutcome {
    /// Rows that are members now (in a dry run: would be).
    pub taken: u64,
    /// Lines that were refused, and why.
    pub refused: Vec<(u64, String)>,
}

/// What a spreadsheet takes for the start of a formula, and the mark that says it is none.
const FORMULA_STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// A cell that no spreadsheet takes for a formula.
pub(crate) fn not_a_formula(cell: String) -> String {
    if cell.starts_with(FORMULA_STARTS) { format!("'{cell}") } else { cell }
}

/// The cell without the apostrophe that an export puts before what looks like a formula.
pub(crate) fn unescaped(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA_STARTS)).unwrap_or(cell)
}
