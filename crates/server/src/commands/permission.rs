//! `guildhall permission …`

use super::Print;
use crate::output;
use clap::Subcommand;
use guildhall_app::Guildhall;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, PermissionId, PlanId};
use guildhall_domain::plan::Permission;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a permission
    Create {
        /// The app's id
        #[arg(long)]
        app: String,
        /// The name that member objects show
        #[arg(long)]
        name: String,
        /// What operators write about it
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        print: Print,
    },
    /// List an app's permissions
    List {
        /// The app's id
        #[arg(long)]
        app: String,
        #[command(flatten)]
        print: Print,
    },
    /// Let a plan grant a permission
    Grant {
        /// The app's id
        #[arg(long)]
        app: String,
        /// The plan's id
        #[arg(long)]
        plan: String,
        /// The permission's id
        #[arg(long)]
        permission: String,
        #[command(flatten)]
        print: Print,
    },
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. } | Command::List { print, .. } | Command::Grant { print, .. } => {
                print.json
            }
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { app, name, description, print } => {
            let app = AppId::from_text(app);
            let made = guildhall.create_permission(&app, &name, description, Actor::CommandLine).await?;
            output::show(print.json, &view(&made), output::fields);
        }
        Command::List { app, print } => {
            let definitions = guildhall.definitions(&AppId::from_text(app)).await?;
            let rows: Vec<_> = definitions.permissions.iter().map(view).collect();
            output::show(print.json, &rows.into(), |rows| {
                output::table(rows, &["id", "name", "description"])
            });
        }
        Command::Grant { app, plan, permission, print } => {
            let (app, plan_id, id) =
                (AppId::from_text(app), PlanId::from_text(plan), PermissionId::from_text(permission));
            guildhall.set_plan_permission(&app, &plan_id, &id, true, Actor::CommandLine).await?;
            output::show(print.json, &json!({ "plan": plan_id, "permission": id }), output::fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn view(permission: &Permission) -> Value {
    json!({ "id": permission.id, "name": permission.name, "description": permission.description })
}
