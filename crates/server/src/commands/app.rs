//! `guildhall app …`

use super::Print;
use crate::output;
use clap::{Args, Subcommand, ValueEnum};
use guildhall_app::Guildhall;
use guildhall_app::apps::{AppChange, CreatedApp};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::key::KeyKind;
use guildhall_domain::{App, Mode};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create an app with both environments and their keys, which are shown this once
    Create {
        /// What operators call it
        #[arg(long)]
        name: String,
        /// Its shop domain, e.g. your-store.myshopify.com
        #[arg(long, value_name = "DOMAIN")]
        shop: Option<String>,
        #[command(flatten)]
        print: Print,
    },
    /// List all apps
    List(Print),
    /// Change an app
    Update {
        /// The app's id
        #[arg(long)]
        app: String,
        /// What operators call it
        #[arg(long)]
        name: Option<String>,
        /// Its shop domain; an empty one is removed
        #[arg(long, value_name = "DOMAIN")]
        shop: Option<String>,
        /// Whether store keys work without a partner key
        #[arg(long)]
        api_access: Option<Switch>,
        /// Whether members may be created without a password
        #[arg(long)]
        passwordless: Option<Switch>,
        /// How long members' sessions last from now on, in seconds
        #[arg(long, value_name = "SECONDS")]
        session_seconds: Option<i64>,
        /// Whether members may delete themselves
        #[arg(long)]
        member_self_delete: Option<Switch>,
        #[command(flatten)]
        billing: Billing,
        #[command(flatten)]
        print: Print,
    },
}

/// How an app's contracts are billed.
#[derive(Args, Clone, Debug)]
pub(super) struct Billing {
    /// By whose clock new contracts are billed: an IANA name, e.g. Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// What contracts are in that name no currency
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Tries after the first when a charge fails, 0 to 15
    #[arg(long, value_name = "COUNT")]
    dunning_retries: Option<i64>,
    /// Days between two tries, 1 to 15
    #[arg(long, value_name = "DAYS")]
    dunning_days: Option<i64>,
    /// When all have failed: CANCEL_SUBSCRIPTION, PAUSE_SUBSCRIPTION or SKIP_FAILED_ORDER
    #[arg(long, value_name = "OUTCOME")]
    dunning_outcome: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

impl Switch {
    fn is_on(self) -> bool {
        self == Switch::On
    }
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. } | Command::List(print) | Command::Update { print, .. } => {
                print.json
            }
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create { name, shop, print } => {
            let created = guildhall.create_app(&name, shop.as_deref(), Actor::CommandLine).await?;
            output::show(print.json, &created_view(&created), |_| created_text(&created));
        }
        Command::List(print) => {
            let apps = guildhall.list_apps().await?;
            let rows: Vec<_> = apps.iter().map(|(app, _)| view(app)).collect();
            output::show(print.json, &rows.into(), |rows| {
                output::table(rows, &["id", "name", "shop", "apiAccess", "createdAt"])
            });
        }
        Command::Update {
            app,
            name,
            shop,
            api_access,
            passwordless,
            session_seconds,
            member_self_delete,
            billing,
            print,
        } => {
            let change = AppChange {
                name,
                shop,
                api_access: api_access.map(Switch::is_on),
                passwordless: passwordless.map(Switch::is_on),
                session_seconds,
                member_self_delete: member_self_delete.map(Switch::is_on),
                time_zone: billing.time_zone,
                currency: billing.currency,
                dunning_retries: billing.dunning_retries,
                dunning_days: billing.dunning_days,
                dunning_outcome: billing.dunning_outcome,
            };
            let app = guildhall.update_app(&AppId::from_text(app), change, Actor::CommandLine).await?;
            output::show(print.json, &view(&app), output::fields);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn view(app: &App) -> Value {
    json!({
        "id": app.id, "name": app.name, "shop": app.shop, "apiAccess": app.api_access,
        "passwordless": app.passwordless, "sessionSeconds": app.session_seconds,
        "memberSelfDelete": app.member_self_delete, "createdAt": app.created_at,
        "timeZone": app.time_zone, "currency": app.currency, "dunningRetries": app.dunning.retries,
        "dunningDays": app.dunning.days, "dunningOutcome": app.dunning.outcome.as_str(),
    })
}

/// The fixed shape: `{"id","name","shop","environments":{"sandbox":{"secretKey","publicKey"},…}}`.
fn created_view(created: &CreatedApp) -> Value {
    let keys = |mode| {
        json!({
            "secretKey": key(created, mode, KeyKind::Secret), "publicKey": key(created, mode, KeyKind::Public),
        })
    };
    json!({
        "id": created.app.id, "name": created.app.name, "shop": created.app.shop,
        "environments": { "sandbox": keys(Mode::Sandbox), "live": keys(Mode::Live) },
    })
}

fn created_text(created: &CreatedApp) -> String {
    let mut text = format!("{} ({})\nKeys, shown this once:\n", created.app.id, created.app.name);
    for key in &created.keys {
        let (mode, kind) = (key.mode, key.kind.as_str());
        text += &format!("  {mode} {kind}: {}\n", key.created.plain.reveal());
    }
    text
}

fn key(created: &CreatedApp, mode: Mode, kind: KeyKind) -> Option<&str> {
    let found = created.keys.iter().find(|key| key.mode == mode && key.kind == kind);
    found.map(|key| key.created.plain.reveal())
}
