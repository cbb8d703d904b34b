//! What the process says about itself, on standard error.
//!
//! Two kinds of lines go out: events (`tracing`), redacted on their way as a last line of defence,
//! and access-log lines, which are built from safe parts and handed over ready-made. Neither makes
//! a request's thread wait: both are appended to buffers that one writer thread empties
//! (`logging/writer.rs`), and when that thread cannot keep up, lines are dropped and counted
//! rather than requests delayed. Nothing here decides what is worth a line.

mod redaction;
mod writer;

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};
use writer::{Limits, Writer};

pub use writer::LogGuard;

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines were dropped since the start because they came faster than they could be
/// written.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// A line for people.
    Text,
}

impl LogFormat {
    /// `auto`, `json` or `text`.
    pub const fn as_str(self) -> &'static str {
        match self {
            LogFormat::Auto => "auto",
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        }
    }

    /// Whether lines are JSON, given where they go.
    pub fn is_json(self) -> bool {
        match self {
            LogFormat::Auto => !std::io::stderr().is_terminal(),
            LogFormat::Json => true,
            LogFormat::Text => false,
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [LogFormat::Auto, LogFormat::Json, LogFormat::Text]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| "`auto`, `json` or `text`".into())
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// From which level on events are written: a level, and others for single targets if wanted
/// (`info,guildhall_store=debug`).
#[derive(Clone, Debug, PartialEq)]
pub struct LogLevel {
    text: String,
    targets: Targets,
}

impl LogLevel {
    /// As it was given.
    #[cfg(test)]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ALLOWED: &str = "`off`, `error`, `warn`, `info`, `debug` or `trace`, and after a \
             comma `target=level` for a part of the program";
        // A bare word that is no level would be taken for a target, shown in full detail: a
        // mistyped level would do the opposite of what was meant.
        let known = |part: &str| {
            let level = part.split_once('=').map_or(part, |(_, level)| level);
            level.trim().parse::<LevelFilter>().is_ok() && !level.trim().is_empty()
        };
        if !text.split(',').all(known) {
            return Err(ALLOWED.into());
        }
        let targets = text.parse().map_err(|_| ALLOWED.to_owned())?;
        Ok(Self { text: text.to_owned(), targets })
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The system gave no thread to write with.
    #[error("the log's writer thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// Logging was begun before.
    #[error("logging was already set up: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Begins logging to standard error, for the whole process. Keep the guard until the end: its drop
/// writes what is still waiting.
///
/// # Errors
/// When called twice, or when no thread can be started.
pub fn init(format: LogFormat, level: &LogLevel) -> Result<LogGuard, LogError> {
    let guard = Writer::start(Box::new(std::io::stderr()), Limits::default(), &DROPPED)?;
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::registry()
        .with(layer(format.is_json(), colour, guard.events()).with_filter(level.targets.clone()))
        .try_init()?;
    Ok(guard)
}

/// Events as lines. Times are UTC (RFC 3339), which is what the default clock of `fmt` prints.
fn layer<W>(json: bool, colour: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        lines.json().flatten_event(true).with_span_list(false).with_ansi(false).boxed()
    } else {
        lines.with_ansi(colour).boxed()
    }
}

#[cfg(test)]
mod tests;
