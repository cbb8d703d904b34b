//! `guildhall demo`: lifelike data to look at.

use super::{Place, Print};
use crate::output;
use clap::Args;
use guildhall_app::Guildhall;
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    place: Place,
    /// How many members; a sandbox holds no more than it may
    #[arg(long, default_value_t = 48)]
    members: u64,
    /// How many contracts with some months behind them; only in a sandbox, and only if it has none
    #[arg(long, default_value_t = 24)]
    contracts: u64,
    #[command(flatten)]
    print: Print,
}

impl Command {
    pub(super) fn json(&self) -> bool {
        self.print.json
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    let Command { place, members, contracts, print } = command;
    let made = guildhall.fill_with_demo(&place.app(), place.env, members, contracts).await?;
    let made = json!({ "members": made.members, "contracts": made.contracts, "records": made.records });
    output::show(print.json, &made, output::fields);
    Ok(ExitCode::SUCCESS)
}
