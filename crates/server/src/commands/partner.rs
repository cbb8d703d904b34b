//! `guildhall partner …`

use super::{Print, key};
use crate::output;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::KeyId;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a partner key; it is shown this once
    Create {
        /// What the partner is called
        #[arg(long)]
        name: String,
        #[command(flatten)]
        print: Print,
    },
    /// List all partner keys
    List(Print),
    /// Revoke a partner key
    Revoke {
        /// The key's id
        #[arg(long)]
        id: String,
        #[command(flatten)]
        print: Print,
    },
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. } | Command::List(print) | Command::Revoke { print, .. } => {
                print.json
            }
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { name, print } => {
            key::show_created(print, &guildhall.create_partner(&name, Actor::CommandLine).await?);
        }
        Command::List(print) => key::show_list(print, &guildhall.list_keys(None).await?),
        Command::Revoke { id, print } => {
            let revoked = guildhall.revoke_key(&KeyId::from_text(id), Actor::CommandLine).await?;
            output::show(print.json, &key::view(&revoked), output::fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}
