//! What commands print: JSON for programs, lines and tables for people.

use guildhall_app::AppError;
use serde_json::{Value, json};
use std::io::Write;

/// Prints a value as JSON, or with `text` made of it.
pub fn show(json: bool, value: &Value, text: impl FnOnce(&Value) -> String) {
    if json {
        line(&value.to_string());
    } else {
        line(text(value).trim_end());
    }
}

/// Prints a line. A reader that went away (`| head`) is no error.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Why something failed, with what only the person at the machine is to know.
pub fn reason(error: &anyhow::Error) -> String {
    let app = error.downcast_ref::<AppError>();
    match app.and_then(|app| app.internal.as_deref()) {
        Some(internal) => format!("{error} ({internal})"),
        None => format!("{error:#}"),
    }
}

/// Prints why a command failed, on standard error.
pub fn error(error: &anyhow::Error, as_json: bool) {
    let app = error.downcast_ref::<AppError>();
    let message = reason(error);
    let text = if as_json {
        let code = app.map_or("command_failed", |app| app.code.name());
        json!({ "error": { "code": code, "message": message } }).to_string()
    } else {
        format!("error: {message}")
    };
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A table of the given fields of each object in a list, under their names.
pub fn table(rows: &Value, columns: &[&str]) -> String {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let header = columns.iter().map(|column| (*column).to_owned()).collect();
    let cells = rows.iter().map(|row| columns.iter().map(|column| cell(&row[*column])).collect());
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let render = |line: &Vec<String>| {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// The fields of one object, a line each.
pub fn fields(object: &Value) -> String {
    let fields = object.as_object().into_iter().flatten();
    fields.map(|(name, value)| format!("{name}: {}", cell(value))).collect::<Vec<_>>().join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
