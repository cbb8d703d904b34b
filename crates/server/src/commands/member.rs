//! `guildhall member …`: moving members in and out, row by row, whatever the size of the file.

use super::transfer::{ExportFlags, Format, ImportFlags, create_private, open_to_read, report, write_csv};
use super::{Place, rows};
use anyhow::Context;
use clap::Subcommand;
use futures_util::stream;
use guildhall_app::Guildhall;
use guildhall_app::members::{Importer, csv_header, row_from_csv};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring members in from JSON lines or CSV; ids, dates and password hashes are kept
    Import(#[command(flatten)] ImportFlags),
    /// Take all members out, password hashes included
    Export(#[command(flatten)] ExportFlags),
}

impl Command {
    pub(super) fn json(&self) -> bool {
        matches!(self, Command::Import(flags) if flags.print.json)
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import(ImportFlags { place, file, format, dry_run, on_error, print }) => {
            let access = guildhall.command_line_access(&place.app(), place.env).await?;
            let importer = Importer::new(guildhall, access, dry_run, on_error.into());
            let format = Format::of(&file, format)?;
            let (input, bar) = open_to_read(&file)?;
            let show = |rows: u64| bar.set_message(format!("{rows} rows"));
            let outcome = match format {
                Format::Jsonl => importer.run(stream::iter(rows::json(input)), show).await,
                Format::Csv => {
                    let row: rows::FromCells<'_> = Box::new(|line, cells| row_from_csv(line, cells));
                    importer.run(stream::iter(rows::csv(input, Some("email"), row)?), show).await
                }
            };
            bar.finish_and_clear();
            Ok(report(&outcome, dry_run, print))
        }
        Command::Export(ExportFlags { place, file, format }) => {
            export(guildhall, &place, &file, Format::of(&file, format)?).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
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
        let page = guildhall.export_members(&access_now, after).await?;
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
