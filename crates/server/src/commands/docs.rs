//! `guildhall docs …`: the reference documents, made from the program itself.

use super::Line;
use crate::{config, output};
use clap::{CommandFactory, Subcommand};
use std::process::ExitCode;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Command {
    /// The command line
    Cli,
    /// The settings
    Config,
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Cli => output::line(cli().trim_end()),
        Command::Config => output::line(config::markdown().trim_end()),
    }
    ExitCode::SUCCESS
}

fn cli() -> String {
    let mut text = String::from(
        "# Command line\n\nMade by `make generated` from the program. Every command also takes `--config`, \
         `--data-dir` and `--database-url`;\nthose that print data take `--json`. The flags of `serve` are the settings, \
         see [configuration.md](configuration.md).\n",
    );
    let mut root = Line::command();
    root.build();
    section(&root, "guildhall", &mut text);
    text
}

/// A section for each command that does something, in the order of the tree.
fn section(command: &clap::Command, path: &str, text: &mut String) {
    let mut below =
        command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help").peekable();
    if below.peek().is_none() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        *text += &format!("\n## `{path}`\n\n{about}.\n");
        if path != "guildhall serve" {
            flags(command, text);
        }
        return;
    }
    for sub in below {
        section(sub, &format!("{path} {}", sub.get_name()), text);
    }
}

fn flags(command: &clap::Command, text: &mut String) {
    let everywhere = ["config", "data_dir", "database_url", "help", "json", "version"];
    let own = command.get_arguments().filter(|arg| !everywhere.contains(&arg.get_id().as_str()));
    let rows: Vec<_> = own
        .filter_map(|arg| {
            let flag = arg.get_long()?;
            let takes = arg.get_action().takes_values();
            let value = arg.get_value_names().and_then(|names| names.first()).filter(|_| takes);
            let value = value.map(|name| format!(" {name}")).unwrap_or_default();
            let needed = if arg.is_required_set() { "yes" } else { "" };
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
            Some(format!("| `--{flag}{value}` | {needed} | {help} |\n"))
        })
        .collect();
    if !rows.is_empty() {
        *text += "\n| flag | required | |\n|---|---|---|\n";
        text.extend(rows);
    }
}
