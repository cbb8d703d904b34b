//! `guildhall mail …`

use super::{Place, Print};
use crate::output;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_app::mail::Mail;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the mails that were not sent, oldest first: all of them, where no mail server is set
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        print: Print,
    },
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::List { print, .. } => print.json,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    let Command::List { place, print } = command;
    let leave = guildhall.command_line_access(&place.app(), place.env).await?;
    let mails = guildhall.list_mails(&leave.access()).await?;
    let rows: Vec<_> = mails.iter().map(view).collect();
    output::show(print.json, &rows.into(), |_| text(&mails));
    Ok(ExitCode::SUCCESS)
}

/// The fixed shape: `{"to","subject","text","createdAt"}`.
fn view(mail: &Mail) -> Value {
    json!({ "to": mail.to, "subject": mail.subject, "text": mail.text, "createdAt": mail.created_at })
}

fn text(mails: &[Mail]) -> String {
    let one = |mail: &Mail| {
        let (at, to) = (mail.created_at.to_iso(), &mail.to);
        format!("{at}  to {to}\n{}\n\n{}\n", mail.subject, mail.text)
    };
    mails.iter().map(one).collect::<Vec<_>>().join("\n")
}
