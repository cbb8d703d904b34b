//! `guildhall token-key …`

use super::Print;
use crate::output;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_app::tokens::TokenKeyInfo;
use guildhall_domain::audit::Actor;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the keys that members' tokens are signed and checked with
    List(Print),
    /// Make a new key that signs from now on; the old one stays published until its last token has expired
    Rotate(Print),
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::List(print) | Command::Rotate(print) => print.json,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(print) => {
            let rows: Vec<_> = guildhall.list_token_keys().await?.iter().map(view).collect();
            output::show(print.json, &rows.into(), |rows| {
                output::table(rows, &["kid", "createdAt", "retiredAt", "publishedUntil"])
            });
        }
        Command::Rotate(print) => {
            let key = guildhall.rotate_token_key(Actor::CommandLine).await?;
            output::show(print.json, &view(&key), output::fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn view(key: &TokenKeyInfo) -> Value {
    json!({
        "kid": key.kid, "createdAt": key.created_at, "retiredAt": key.retired_at,
        "publishedUntil": key.published_until,
    })
}
