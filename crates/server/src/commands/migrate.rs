//! `guildhall migrate`: opening the database is what migrates it; this says so.

use super::Print;
use crate::output;
use guildhall_app::{Guildhall, SCHEMA_VERSION};
use serde_json::json;
use std::process::ExitCode;

pub(super) fn run(print: Print, guildhall: &Guildhall) -> ExitCode {
    let value = json!({ "engine": guildhall.engine_name(), "schemaVersion": SCHEMA_VERSION });
    output::show(print.json, &value, output::fields);
    ExitCode::SUCCESS
}
