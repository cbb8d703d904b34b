//! `guildhall operator …`

use super::{Print, base_url};
use crate::config::Settings;
use crate::output;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_app::operators::{OperatorLink, Reach};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::operator::Role;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create an operator, with a one-time link to set the password
    Create {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// What to call them
        #[arg(long)]
        name: String,
        /// Let them run only this app; without it they own the server with all its apps
        #[arg(long, value_name = "APP")]
        app: Option<String>,
        /// Their role in the app: `owner`, `admin` or `read-only`
        #[arg(long, default_value = "owner", requires = "app")]
        role: Role,
        #[command(flatten)]
        print: Print,
    },
    /// Make a one-time link to set an operator's password anew
    ResetPassword {
        /// The operator's address
        #[arg(long)]
        email: String,
        #[command(flatten)]
        print: Print,
    },
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. } | Command::ResetPassword { print, .. } => print.json,
        }
    }
}

pub(super) async fn run(
    command: Command,
    guildhall: &Guildhall,
    settings: &Settings,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { email, name, app, role, print } => {
            let reach = app.map_or(Reach::Server, |app| Reach::App(AppId::from_text(app), role));
            let created = guildhall.create_operator(&email, &name, reach, Actor::CommandLine).await;
            let (operator, link) = created?;
            let mut value = view(&link, settings);
            value["id"] = operator.id.as_str().into();
            value["email"] = operator.email.into();
            output::show(print.json, &value, output::fields);
        }
        Command::ResetPassword { email, print } => {
            let link = guildhall.reset_operator_password(&email, Actor::CommandLine).await?;
            output::show(print.json, &view(&link, settings), output::fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn view(link: &OperatorLink, settings: &Settings) -> Value {
    json!({ "link": format!("{}{}", base_url(settings, settings.listen), link.path()), "expiresAt": link.expires_at })
}
