//! The command line. Names and JSON shapes of what scripts rely on are fixed.

mod app;
mod config;
mod custom_field;
mod demo;
mod docs;
mod doctor;
mod key;
mod mail;
mod member;
mod migrate;
mod operator;
mod partner;
mod permission;
mod plan;
mod rows;
mod serve;
mod session;
mod table;
mod token_key;
mod transfer;

use crate::config::{Flags, ServeFlags, Settings, environment};
use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use guildhall_app::{Guildhall, Limits, SystemChance, SystemClock, Target};
use guildhall_domain::Mode;
use guildhall_domain::ids::AppId;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The file of the embedded database in the data directory.
const DATABASE_FILE: &str = "guildhall.db";

/// A membership server on your own machine.
#[derive(Debug, Parser)]
#[command(name = "guildhall", version, about, max_term_width = 100)]
pub struct Line {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(#[command(flatten)] ServeFlags),
    /// Apps: tenants, each with a sandbox and a live environment
    #[command(subcommand)]
    App(app::Command),
    /// API keys of apps
    #[command(subcommand)]
    Key(key::Command),
    /// Plans that members hold
    #[command(subcommand)]
    Plan(plan::Command),
    /// Permissions that plans and members grant
    #[command(subcommand)]
    Permission(permission::Command),
    /// Custom fields of members
    #[command(subcommand)]
    CustomField(custom_field::Command),
    /// Bring members in, or take them out
    #[command(subcommand)]
    Member(member::Command),
    /// Data tables: an app's own structured data
    #[command(subcommand)]
    Table(table::Command),
    /// Partner keys: server-wide, sent beside a store key
    #[command(subcommand)]
    Partner(partner::Command),
    /// People who sign in to the dashboard
    #[command(subcommand)]
    Operator(operator::Command),
    /// Mails to members
    #[command(subcommand)]
    Mail(mail::Command),
    /// Members' sessions
    #[command(subcommand)]
    Session(session::Command),
    /// The keys that members' tokens are signed with
    #[command(subcommand)]
    TokenKey(token_key::Command),
    /// Fill an app with lifelike data to look at
    Demo(#[command(flatten)] demo::Command),
    /// Bring the database's schema up to date
    Migrate(Print),
    /// Look for what could go wrong
    Doctor(Print),
    /// Settings
    #[command(subcommand)]
    Config(config::Command),
    /// Print reference documents as Markdown
    #[command(subcommand, hide = true)]
    Docs(docs::Command),
}

/// How to print.
#[derive(Clone, Copy, Debug, Args)]
struct Print {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which environment of which app.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The app's id
    #[arg(long, value_name = "APP")]
    app: String,
    /// `sandbox` or `live`
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Mode,
}

impl Place {
    fn app(&self) -> AppId {
        AppId::from_text(&self.app)
    }
}

impl Line {
    /// Whether errors are to be printed as JSON.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Serve(_) | Command::Docs(_) => false,
            Command::App(command) => command.json(),
            Command::Key(command) => command.json(),
            Command::Plan(command) => command.json(),
            Command::Permission(command) => command.json(),
            Command::CustomField(command) => command.json(),
            Command::Member(command) => command.json(),
            Command::Table(command) => command.json(),
            Command::Partner(command) => command.json(),
            Command::Operator(command) => command.json(),
            Command::Mail(command) => command.json(),
            Command::Session(command) => command.json(),
            Command::TokenKey(command) => command.json(),
            Command::Demo(command) => command.json(),
            Command::Migrate(print) | Command::Doctor(print) => print.json,
            Command::Config(command) => command.json(),
        }
    }

    /// Runs the command to its end.
    ///
    /// # Errors
    /// With what to tell the person who typed it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let directory = std::env::current_dir().context("the working directory cannot be read")?;
        let serve_flags = match &self.command {
            Command::Serve(flags) => Some(flags),
            _ => None,
        };
        if let Command::Docs(command) = self.command {
            return Ok(docs::run(command));
        }
        if let Command::Key(key::Command::Check(print)) = self.command {
            return key::check(print);
        }
        let settings = Settings::load(&self.flags, serve_flags, environment(), &directory)?;
        match self.command {
            Command::Serve(_) => serve::run(settings),
            Command::Config(command) => Ok(config::run(&command, &settings)),
            Command::Doctor(print) => on_one_thread(doctor::run(print, settings)),
            other => on_one_thread(with_database(other, settings)),
        }
    }
}

fn on_one_thread(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)
}

async fn with_database(command: Command, settings: Settings) -> anyhow::Result<ExitCode> {
    let creates = matches!(
        command,
        Command::App(app::Command::Create { .. })
            | Command::Migrate(_)
            | Command::Operator(operator::Command::Create { .. })
            | Command::Partner(partner::Command::Create { .. })
    );
    let guildhall = open(&settings, creates).await?;
    let result = match command {
        Command::App(command) => app::run(command, &guildhall).await,
        Command::Key(command) => key::run(command, &guildhall).await,
        Command::Plan(command) => plan::run(command, &guildhall).await,
        Command::Permission(command) => permission::run(command, &guildhall).await,
        Command::CustomField(command) => custom_field::run(command, &guildhall).await,
        Command::Member(command) => member::run(command, &guildhall).await,
        Command::Table(command) => table::run(command, &guildhall).await,
        Command::Partner(command) => partner::run(command, &guildhall).await,
        Command::Operator(command) => operator::run(command, &guildhall, &settings).await,
        Command::Mail(command) => mail::run(command, &guildhall).await,
        Command::Session(command) => session::run(command, &guildhall).await,
        Command::TokenKey(command) => token_key::run(command, &guildhall).await,
        Command::Demo(command) => demo::run(command, &guildhall).await,
        Command::Migrate(print) => Ok(migrate::run(print, &guildhall)),
        Command::Serve(_) | Command::Doctor(_) | Command::Config(_) | Command::Docs(_) => {
            bail!("this command needs no open database")
        }
    };
    guildhall.close().await;
    result
}

/// Opens the database that the settings name. A command that only reads does not make one: a
/// mistyped directory would look like an empty installation.
async fn open(settings: &Settings, may_create: bool) -> anyhow::Result<Guildhall> {
    let target = target(settings);
    if let Target::Sqlite(file) = &target
        && !may_create
        && !file.exists()
    {
        bail!(
            "there is no database in {}: name the right directory with --data-dir, or start with \
             `guildhall serve` or `guildhall app create`",
            settings.data_dir.display()
        );
    }
    let opened = Guildhall::open(
        guildhall_app::Settings {
            limits: limits(settings),
            password_threads: NonZeroUsize::new(settings.password_threads).unwrap_or(NonZeroUsize::MIN),
            password_queue_max: settings.password_queue_max,
            write_queue_max: settings.write_queue_max,
            postgres_connections_max: settings.postgres_connections_max,
            public_url: base_url(settings, settings.listen),
            sends_mail: settings.smtp_url.is_some(),
            token_issuer: token_issuer(settings, settings.listen),
            statement_timeout_ms: settings.statement_timeout_ms,
            fake_live_payments: settings.fake_live_payments.0,
            billing_lease_ms: settings.billing_lease_ms,
            portal_link_minutes: settings.portal_link_minutes,
            ..guildhall_app::Settings::new(target)
        },
        Arc::new(SystemClock::default()),
        Arc::new(SystemChance),
    );
    Ok(opened.await?)
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        rate_limit: settings.rate_limit,
        bad_key_limit: settings.bad_key_limit,
        sandbox_members_max: settings.sandbox_members_max.into(),
        client_rate_limit: settings.client_rate_limit,
        client_record_reads: settings.client_record_reads,
        client_record_creates: settings.client_record_creates,
        client_record_changes: settings.client_record_changes,
        sign_in_attempts: settings.sign_in_attempts,
    }
}

fn target(settings: &Settings) -> Target {
    match &settings.database_url {
        Some(url) => Target::Postgres(url.reveal().to_owned()),
        None => Target::Sqlite(database_file(settings)),
    }
}

fn database_file(settings: &Settings) -> PathBuf {
    settings.data_dir.join(DATABASE_FILE)
}

/// Where people reach the server: the public address, or the one it listens on.
fn base_url(settings: &Settings, listening: SocketAddr) -> String {
    match &settings.public_url {
        Some(url) => url.as_str().to_owned(),
        None => format!("http://{listening}"),
    }
}

fn token_issuer(settings: &Settings, listening: SocketAddr) -> String {
    settings.token_issuer.clone().unwrap_or_else(|| base_url(settings, listening))
}
