//! `guildhall serve`: from settings to a listening server, and back down in order.

use super::{base_url, open, token_issuer};
use crate::config::Settings;
use crate::logging::{self, LogGuard};
use crate::output;
use anyhow::Context;
use guildhall_app::Guildhall;
use guildhall_app::apps::CreatedApp;
use guildhall_app::mail::{Mailer, SmtpMailer};
use guildhall_app::operators::OperatorLink;
use guildhall_domain::Mode;
use guildhall_domain::key::KeyKind;
use guildhall_http::serve::{ServeSettings, serve};
use guildhall_http::{AccessLog, AccessLogForm, HttpSettings, metrics_router, router};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Runs the server until it is told to stop.
///
/// # Errors
/// If it cannot start.
pub(super) fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let log = logging::init(settings.log_format, &settings.log_level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(run_until_told(&settings, &log));
    if let Err(error) = &served {
        tracing::error!(error = output::reason(error), "the server could not start");
    }
    drop(runtime);
    drop(log);
    served.map(|()| ExitCode::SUCCESS)
}

async fn run_until_told(settings: &Settings, log: &LogGuard) -> anyhow::Result<()> {
    let guildhall = open(settings, true).await?;
    let _only_server = lock_data_dir(settings)?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another with --listen", settings.listen))?;
    // With port 0 the system has chosen one.
    let address = listener.local_addr()?;
    let base_url = base_url(settings, address);
    let guildhall = guildhall.reached_at(base_url.clone(), token_issuer(settings, address));
    let signals = hear_signals()?;
    if let Some(created) = guildhall.create_first_app().await? {
        let link = guildhall.create_setup_link().await?;
        output::line(&first_start_notice(&created, &link, &base_url));
    }
    guildhall.ensure_token_key().await?;
    warn_of_settings_without_effect(settings);
    let (stopping, stopped) = watch::channel(());
    let draining = Arc::new(AtomicBool::new(false));
    tokio::spawn(drain_on_signal(signals, Arc::clone(&draining), stopping));
    let jobs = guildhall_jobs::start(guildhall.clone(), mailer(settings)?);
    let metrics = serve_metrics(settings, &guildhall, stopped.clone()).await?;
    tracing::info!(%address, engine = guildhall.engine_name(), version = env!("CARGO_PKG_VERSION"), "listening");

    let router = router(guildhall.clone(), http_settings(settings, log, draining));
    let drained = serve(listener, router, serve_settings(settings), told(stopped)).await?;
    tracing::info!(finished = drained.finished, cut = drained.cut, "connections are closed");
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    jobs.stop().await;
    guildhall.close().await;
    tracing::info!(log_lines_dropped = logging::dropped(), "stopped");
    Ok(())
}

fn http_settings(settings: &Settings, log: &LogGuard, draining: Arc<AtomicBool>) -> HttpSettings {
    let form = if settings.log_format.is_json() { AccessLogForm::Json } else { AccessLogForm::Text };
    let lines = log.access_log();
    HttpSettings {
        body_bytes_max: settings.body_bytes_max,
        trusted_proxies: settings.trusted_proxies.clone(),
        access_log: AccessLog::new(form, move |line| lines.line(line)),
        draining,
        serve_metrics: settings.metrics_listen.is_none(),
        jwks_at_root: settings.jwks_at_root.0,
    }
}

/// The mail server, if there is one.
fn mailer(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    let Some(url) = &settings.smtp_url else {
        tracing::info!("no mail server is set: mails stay in the outbox");
        return Ok(None);
    };
    let from = settings.mail_from.as_ref().context("set mail_from, the sender, beside smtp_url")?;
    let authorities = match &settings.smtp_ca_file {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .with_context(|| format!("smtp_ca_file cannot be read: {}", path.display()))?,
        ),
        None => None,
    };
    Ok(Some(Arc::new(SmtpMailer::new(url.reveal(), from.as_str(), authorities.as_deref())?)))
}

fn serve_settings(settings: &Settings) -> ServeSettings {
    ServeSettings {
        header_timeout: Duration::from_secs(settings.header_timeout_s),
        idle_timeout: Duration::from_secs(settings.idle_timeout_s),
        connections_max: settings.connections_max,
        drain_timeout: Duration::from_secs(settings.drain_timeout_s),
        ..ServeSettings::default()
    }
}

async fn serve_metrics(
    settings: &Settings,
    guildhall: &Guildhall,
    stopped: watch::Receiver<()>,
) -> anyhow::Result<Option<tokio::task::JoinHandle<()>>> {
    let Some(address) = settings.metrics_listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen for metrics on {address}"))?;
    let (router, settings) = (metrics_router(guildhall.clone()), serve_settings(settings));
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = serve(listener, router, settings, told(stopped)).await {
            tracing::error!(%error, "the metrics listener ended");
        }
    })))
}

/// Ends when the stop was told.
async fn told(mut stopped: watch::Receiver<()>) {
    let _ = stopped.changed().await;
}

/// SIGTERM and SIGINT, heard from here on: one that comes after the server says that it listens, or
/// while it shows the first keys, does not end it half way. Before, while it waits for a database,
/// they end it at once.
fn hear_signals() -> anyhow::Result<[Signal; 2]> {
    let hear = |kind| signal(kind).context("signals cannot be heard");
    Ok([hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?])
}

/// At SIGTERM or SIGINT: `/readyz` turns away, then no new connection is taken.
async fn drain_on_signal(
    [mut terminate, mut interrupt]: [Signal; 2],
    draining: Arc<AtomicBool>,
    stopping: watch::Sender<()>,
) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: finishing requests under way");
    draining.store(true, Ordering::Relaxed);
    let _ = stopping.send(());
}

/// One server for each data directory: two would each count requests for themselves, and admit twice
/// the limit. The lock goes with the process, however that ends. Several nodes share a PostgreSQL.
fn lock_data_dir(settings: &Settings) -> anyhow::Result<Option<File>> {
    if settings.database_url.is_some() {
        return Ok(None);
    }
    let path = settings.data_dir.join("serve.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        anyhow::anyhow!(
            "another server runs on {}: stop it, or use PostgreSQL for several nodes",
            settings.data_dir.display()
        )
    })?;
    Ok(Some(file))
}

fn warn_of_settings_without_effect(settings: &Settings) {
    if settings.redis_url.is_some() {
        tracing::warn!("redis_url has no effect yet: each node counts requests for itself");
    }
}

/// What is shown once, at the first start. Goes to standard output, never to the log.
fn first_start_notice(created: &CreatedApp, link: &OperatorLink, base_url: &str) -> String {
    let key = |kind| {
        let found = created.keys.iter().find(|key| key.mode == Mode::Sandbox && key.kind == kind);
        found.map_or("", |key| key.created.plain.reveal())
    };
    let (secret, public) = (key(KeyKind::Secret), key(KeyKind::Public));
    format!(
        "
This is the first start. What follows is shown this once; keep it.

  App                 {app}  ({name})
  Environments        sandbox, live
  Sandbox secret key  {secret}
  Sandbox public key  {public}
  Operator            {base_url}{path}
                      (sets the operator's password; works once, for 24 hours)

Try it:

  curl -s {base_url}/members -H 'X-API-KEY: {secret}' -H 'Content-Type: application/json' \\
    -d '{{\"email\":\"ada@example.com\",\"password\":\"a-long-password\"}}'

Make keys for live with `guildhall key create --app {app} --kind secret --env live --name NAME`.
",
        app = created.app.id,
        name = created.app.name,
        path = link.path(),
    )
}
