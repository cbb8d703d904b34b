//! `guildhall member …`: moving members in and out, row by row, whatever the size of the file.

mod rows;

use super::{Place, Print};
use crate::output;
use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use futures_util::stream;
use guildhall_app::Guildhall;
use guildhall_app::members::{ImportOutcome, Importer, OnError, csv_header};
use serde_json::json;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The mode of an export's file.
const OWNER_ONLY: u32 = 0o600;
/// How often progress is shown, in rows.
const PROGRESS_EVERY: u64 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring members in from JSON lines or CSV; ids, dates and password hashes are kept
    Import {
        #[command(flatten)]
        place: Place,
        /// The file, or `-` for standard input
        #[arg(long)]
        file: PathBuf,
        /// By the file's ending if not given
        #[arg(long)]
        format: Option<Format>,
        /// Check every row by itself, store nothing
        #[arg(long)]
        dry_run: bool,
        /// What to do about a row that cannot be taken
        #[arg(long, default_value = "skip")]
        on_error: WhenWrong,
        #[command(flatten)]
        print: Print,
    },
    /// Take all members out, password hashes included
    Export {
        #[command(flatten)]
        place: Place,
        /// The file, or `-` for standard output
        #[arg(long)]
        file: PathBuf,
        /// By the file's ending if not given
        #[arg(long)]
        format: Option<Format>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Jsonl,
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WhenWrong {
    Skip,
    Stop,
}

impl Command {
    pub(super) fn json(&self) -> bool {
        matches!(self, Command::Import { print, .. } if print.json)
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import { place, file, format, dry_run, on_error, print } => {
            let access = guildhall.command_line_access(&place.app(), place.env).await?;
            let on_error = if on_error == WhenWrong::Stop { OnError::Stop } else { OnError::Skip };
            let importer = Importer::new(guildhall, access, dry_run, on_error);
            let input = open_to_read(&file)?;
            let outcome = match format_of(&file, format)? {
                Format::Jsonl => importer.run(stream::iter(rows::json(input)), show_progress).await,
                Format::Csv => importer.run(stream::iter(rows::csv(input)?), show_progress).await,
            };
            output::progress("\n");
            Ok(report(&outcome, dry_run, print))
        }
        Command::Export { place, file, format } => {
            export(guildhall, &place, &file, format_of(&file, format)?).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn show_progress(rows: u64) {
    if rows.is_multiple_of(PROGRESS_EVERY) {
        output::progress(&format!("{rows} rows"));
    }
}

fn report(outcome: &ImportOutcome, dry_run: bool, print: Print) -> ExitCode {
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

fn format_of(file: &Path, format: Option<Format>) -> anyhow::Result<Format> {
    let by_ending = match file.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => Some(Format::Csv),
        Some("jsonl" | "ndjson") => Some(Format::Jsonl),
        _ => None,
    };
    match format.or(by_ending) {
        Some(format) => Ok(format),
        None => bail!("say which format it is: --format jsonl or --format csv"),
    }
}

fn open_to_read(file: &Path) -> anyhow::Result<rows::Input> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Box::new(BufReader::new(opened)))
}

async fn export(guildhall: &Guildhall, place: &Place, file: &Path, format: Format) -> anyhow::Result<()> {
    let access = guildhall.command_line_access(&place.app(), place.env).await?;
    let access_now = access.access();
    let definitions = access_now.definitions();
    let mut out = create_private(file)?;
    if format == Format::Csv {
        write_csv(&mut out, [csv_header(definitions)])?;
    }
    let mut after = None;
    loop {
        let page = guildhall.export_members(&access, after).await?;
        match format {
            Format::Jsonl => out.write_all(&page.to_json_lines(definitions))?,
            Format::Csv => write_csv(&mut out, page.to_csv_records(definitions))?,
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    out.flush().with_context(|| format!("cannot write {}", file.display()))
}

fn write_csv(out: &mut impl Write, records: impl IntoIterator<Item = Vec<String>>) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    for record in records {
        writer.write_record(&record)?;
    }
    Ok(writer.flush()?)
}

/// The file to write, readable by its owner only, also if it was there before: an export holds
/// password hashes.
fn create_private(file: &Path) -> anyhow::Result<Box<dyn Write>> {
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
