//! `guildhall table import` and `export`.

use crate::commands::rows;
use crate::commands::transfer::{
    ExportFlags, Format, ImportFlags, create_private, open_to_read, report, rows_bar, write_csv,
};
use anyhow::Context;
use futures_util::stream;
use guildhall_app::Guildhall;
use guildhall_app::records::{RecordImporter, csv_header, row_from_csv};
use std::io::Write;
use std::process::ExitCode;

pub(super) async fn import(
    guildhall: &Guildhall,
    table: &str,
    flags: &ImportFlags,
) -> anyhow::Result<ExitCode> {
    let access = guildhall.command_line_access(&flags.place.app(), flags.place.env).await?;
    let format = Format::of(&flags.file, flags.format)?;
    let mut importer = RecordImporter::new(guildhall, &access, table, flags.dry_run, flags.on_error.into())?;
    let (input, bar) = open_to_read(&flags.file)?;
    let mut done = 0;
    let show = |rows: u64| {
        done += rows;
        bar.set_message(format!("{done} rows"));
    };
    let outcome = match format {
        Format::Jsonl => importer.run(stream::iter(rows::json(input)), show).await?,
        Format::Csv => {
            let table = importer.table().clone();
            let row: rows::FromCells<'_> = Box::new(move |line, cells| row_from_csv(&table, line, cells));
            importer.run(stream::iter(rows::csv(input, None, row)?), show).await?
        }
    };
    bar.finish_and_clear();
    Ok(report(&outcome, flags.dry_run, flags.print))
}

pub(super) async fn export(guildhall: &Guildhall, table: &str, flags: &ExportFlags) -> anyhow::Result<()> {
    let access = guildhall.command_line_access(&flags.place.app(), flags.place.env).await?;
    let (file, format) = (flags.file.as_path(), Format::of(&flags.file, flags.format)?);
    let count = guildhall.count_records(&access, table).await?;
    let place = access.access();
    let definition = guildhall.table(&place, table)?;
    let mut out = create_private(file)?;
    if format == Format::Csv {
        write_csv(&mut out, [csv_header(definition)])?;
    }
    let bar = rows_bar(count.unsigned_abs());
    let mut after = None;
    loop {
        let part = guildhall.export_records(&access, table, after).await?;
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
