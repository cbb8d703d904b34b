//! `guildhall session …`

use super::{Place, Print};
use crate::output;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_app::sessions::Session;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List a member's sessions that have not expired, newest first
    List {
        #[command(flatten)]
        place: Place,
        /// The member's id
        #[arg(long)]
        member: String,
        #[command(flatten)]
        print: Print,
    },
    /// End a session: its token is refused from the next request on
    Revoke {
        #[command(flatten)]
        place: Place,
        /// The session's id
        #[arg(long)]
        id: String,
        #[command(flatten)]
        print: Print,
    },
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::List { print, .. } | Command::Revoke { print, .. } => print.json,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { place, member, print } => {
            let leave = guildhall.command_line_access(&place.app(), place.env).await?;
            let sessions = guildhall.list_sessions(&leave.access(), &member).await?;
            let rows: Vec<_> = sessions.iter().map(view).collect();
            output::show(print.json, &rows.into(), |rows| {
                output::table(rows, &["id", "method", "createdAt", "expiresAt", "revokedAt", "address"])
            });
        }
        Command::Revoke { place, id, print } => {
            let leave = guildhall.command_line_access(&place.app(), place.env).await?;
            guildhall.revoke_session(&leave.access(), &id).await?;
            output::show(print.json, &json!({ "id": id, "revoked": true }), output::fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn view(session: &Session) -> Value {
    json!({
        "id": session.id, "method": session.method.as_str(), "address": session.address,
        "userAgent": session.user_agent, "createdAt": session.created_at, "expiresAt": session.expires_at,
        "revokedAt": session.revoked_at,
    })
}
