//! `guildhall table import` and `export`.

use crate::commands::transfer::{Format, create_private, open_to_read, report, rows_bar, write_csv};
use crate::commands::{Print, rows};
use anyhow::Context;
use futures_util::stream;
use guildhall_app::Guildhall;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::import::OnError;
use guildhall_app::records::{RecordImporter, csv_header, row_from_csv};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// What is brought in, and how.
pub(super) struct Import<'f> {
    pub file: &'f Path,
    pub format: Format,
    pub dry_run: bool,
    pub on_error: OnError,
}

pub(super) async fn import(
    guildhall: &Guildhall,
    access: &CommandLineAccess,
    table: &str,
    what: Import<'_>,
    print: Print,
) -> anyhow::Result<ExitCode> {
    let mut importer = RecordImporter::new(guildhall, access, table, what.dry_run, what.on_error)?;
    let (input, bar) = open_to_read(what.file)?;
    let mut done = 0;
    let show = |rows: u64| {
        done += rows;
        bar.set_message(format!("{done} rows"));
    };
    let outcome = match what.format {
        Format::Jsonl => importer.run(stream::iter(rows::json(input)), show).await?,
        Format::Csv => {
            let table = importer.table().clone();
            let row: rows::FromCells<'_> = Box::new(move |line, cells| row_from_csv(&table, line, cells));
            importer.run(stream::iter(rows::csv(input, None, row)?), show).await?
        }
    };
    bar.finish_and_clear();
    Ok(report(&outcome, what.dry_run, print))
}

pub(super) async fn export(
    guildhall: &Guildhall,
    access: &CommandLineAccess,
    table: &str,
    file: &Path,
    format: Format,
) -> anyhow::Result<()> {
    let count = guildhall.count_records(access, table).await?;
    let place = access.access();
    let definition = guildhall.table(&place, table)?;
    let mut out = create_private(file)?;
    if format == Format::Csv {
        write_csv(&mut out, [csv_header(definition)])?;
    }
    let bar = rows_bar(count.unsigned_abs());
    let mut after = None;
    loop {
        let part = guildhall.export_records(access, table, after).await?;
        match format {
            Format::Jsonl => out.write_all(&part.to_json_lines())?,
            Format::Csv => write_csv(&mut out, part.to_csv_records())?,
        }
        bar.inc(part.len() as u64);
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    out.flush().with_context(|| format!("cannot write {}", file.display()))
}
