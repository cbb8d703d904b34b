//! Files that rows are brought in from and taken out to: formats, opening, progress and the report.

use super::rows::Input;
use super::{Place, Print};
use crate::output;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use guildhall_app::import::{ImportOutcome, OnError};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The mode of an export's file.
const OWNER_ONLY: u32 = 0o600;

/// Where rows come from, where they go, and what is done about bad ones.
#[derive(Debug, Args)]
pub(super) struct ImportFlags {
    #[command(flatten)]
    pub place: Place,
    /// The file, or `-` for standard input
    #[arg(long)]
    pub file: PathBuf,
    /// By the file's ending if not given
    #[arg(long)]
    pub format: Option<Format>,
    /// Check the rows, store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What to do about a row that cannot be taken
    #[arg(long, default_value = "skip")]
    pub on_error: WhenWrong,
    #[command(flatten)]
    pub print: Print,
}

/// Where rows are taken from, and where they go.
#[derive(Debug, Args)]
pub(super) struct ExportFlags {
    #[command(flatten)]
    pub place: Place,
    /// The file, or `-` for standard output
    #[arg(long)]
    pub file: PathBuf,
    /// By the file's ending if not given
    #[arg(long)]
    pub format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Jsonl,
    Csv,
}

impl Format {
    /// The one that was named, or that the file's ending tells.
    pub(super) fn of(file: &Path, named: Option<Format>) -> anyhow::Result<Format> {
        let by_ending = match file.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Some(Format::Csv),
            Some("jsonl" | "ndjson") => Some(Format::Jsonl),
            _ => None,
        };
        match named.or(by_ending) {
            Some(format) => Ok(format),
            None => bail!("say which format it is: --format jsonl or --format csv"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WhenWrong {
    Skip,
    Stop,
}

impl From<WhenWrong> for OnError {
    fn from(when: WhenWrong) -> Self {
        match when {
            WhenWrong::Skip => OnError::Skip,
            WhenWrong::Stop => OnError::Stop,
        }
    }
}

/// A file to read, with a bar that shows how far it is read. Without a terminal nothing is shown.
pub(super) fn open_to_read(file: &Path) -> anyhow::Result<(Input, ProgressBar)> {
    if file == Path::new("-") {
        let bar = ProgressBar::new_spinner().with_style(style("{spinner} {msg}"));
        return Ok((Box::new(BufReader::new(std::io::stdin())), bar));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let size = opened.metadata().map(|about| about.len()).unwrap_or(0);
    let bar = ProgressBar::new(size).with_style(style("{bar:40} {bytes}/{total_bytes} {eta} {msg}"));
    let counted: Box<dyn Read + Send> = Box::new(bar.wrap_read(opened));
    Ok((Box::new(BufReader::new(counted)), bar))
}

/// A bar over a known number of rows.
pub(super) fn rows_bar(rows: u64) -> ProgressBar {
    ProgressBar::new(rows).with_style(style("{bar:40} {pos}/{len} rows {eta}"))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The file to write, readable by its owner only, also if it was there before: an export holds what
/// members trusted the site with.
pub(super) fn create_private(file: &Path) -> anyhow::Result<Box<dyn Write>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufWriter::new(std::io::stdout())));
    }
    let created = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(file);
    let created = created.with_context(|| format!("cannot write {}", file.display()))?;
    if created.metadata()?.is_file() {
        created.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(Box::new(BufWriter::new(created)))
}

pub(super) fn write_csv(
    out: &mut impl Write,
    records: impl IntoIterator<Item = Vec<String>>,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    for record in records {
        writer.write_record(&record)?;
    }
    Ok(writer.flush()?)
}

/// What an import took, and what it did not and why.
pub(super) fn report(outcome: &ImportOutcome, dry_run: bool, print: Print) -> ExitCode {
    let refused: Vec<_> =
        outcome.refused.iter().map(|(line, reason)| json!({ "line": line, "reason": reason })).collect();
    let value = json!({ "taken": outcome.taken, "refused": refused, "dryRun": dry_run });
    output::show(print.json, &value, |_| {
        let done = if dry_run { "would be taken" } else { "taken" };
        let mut text = format!("{} {done}, {} refused\n", outcome.taken, outcome.refused.len());
        for (line, reason) in &outcome.refused {
            text += &format!("  line {line}: {reason}\n");
        }
        text
    });
    if outcome.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
