//! `guildhall custom-field …`

use super::Print;
use crate::output;
use clap::{Subcommand, ValueEnum};
use guildhall_app::Guildhall;
use guildhall_app::custom_fields::FieldDraft;
use guildhall_domain::audit::Actor;
use guildhall_domain::custom_field::{CustomField, Visibility};
use guildhall_domain::ids::AppId;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Define a custom field
    Create {
        /// The app's id
        #[arg(long)]
        app: String,
        /// The key in `customFields`
        #[arg(long)]
        key: String,
        /// What people see
        #[arg(long)]
        label: String,
        /// Forms leave it out
        #[arg(long)]
        hidden: bool,
        /// Who sees it
        #[arg(long, default_value = "private")]
        visibility: Seen,
        /// Members themselves cannot write it
        #[arg(long)]
        restrict_to_admin: bool,
        #[command(flatten)]
        print: Print,
    },
    /// List an app's custom fields
    List {
        /// The app's id
        #[arg(long)]
        app: String,
        #[command(flatten)]
        print: Print,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Seen {
    Private,
    Public,
    Members,
}

impl From<Seen> for Visibility {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Private => Visibility::Private,
            Seen::Public => Visibility::Public,
            Seen::Members => Visibility::Members,
        }
    }
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. } | Command::List { print, .. } => print.json,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { app, key, label, hidden, visibility, restrict_to_admin, print } => {
            let visibility = visibility.into();
            let draft = FieldDraft { key, label, hidden, visibility, restrict_to_admin, position: None };
            let field =
                guildhall.create_custom_field(&AppId::from_text(app), draft, Actor::CommandLine).await?;
            output::show(print.json, &view(&field), output::fields);
        }
        Command::List { app, print } => {
            let definitions = guildhall.definitions(&AppId::from_text(app)).await?;
            let rows: Vec<_> = definitions.custom_fields.iter().map(view).collect();
            output::show(print.json, &rows.into(), |rows| {
                output::table(rows, &["key", "label", "visibility", "hidden", "restrictToAdmin"])
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn view(field: &CustomField) -> Value {
    json!({
        "id": field.id, "key": field.key, "label": field.label, "hidden": field.hidden,
        "visibility": field.visibility, "restrictToAdmin": field.restrict_to_admin,
    })
}
