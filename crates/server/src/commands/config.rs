//! `guildhall config …`

use crate::config::Settings;
use crate::output;
use clap::Subcommand;
use serde_json::json;
use std::process::ExitCode;

use super::Print;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check all settings, and print what is in force and where it came from; secrets are left out
    Check(Print),
}

impl Command {
    pub(super) fn json(&self) -> bool {
        let Command::Check(print) = self;
        print.json
    }
}

/// Settings that do not hold never get here: loading them has failed.
pub(super) fn run(command: &Command, settings: &Settings) -> ExitCode {
    let Command::Check(print) = command;
    let rows = settings.effective().iter();
    let rows = rows.map(|row| json!({ "name": row.name, "value": row.shown, "source": row.source.as_str() }));
    let value = json!({ "file": settings.file(), "settings": rows.collect::<Vec<_>>() });
    output::show(print.json, &value, |_| settings.redacted());
    ExitCode::SUCCESS
}
