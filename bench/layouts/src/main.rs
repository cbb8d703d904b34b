//! Two ways to store the records of data tables that users define, measured beside each other:
//! A, one table for all, with a JSON document in each row; B, a table for each data table, with a
//! column for each field.
//!
//! `layouts FOLDER POSTGRES_URL [RECORDS [ENGINE]]` makes SQLite databases in the folder and schemas
//! in the PostgreSQL database, replacing its own of earlier runs, and prints Markdown: plans, and a
//! table for each engine, in which below 1 means that B is quicker or smaller. `ENGINE` is `sqlite` or
//! `postgres`; without it, both are measured. Where there is an answer, it is checked that A and B
//! give the same one.

mod engine;
mod layout;
mod measures;
mod one_table;
mod plans;
mod report;
mod sample;
mod table_each;
mod value;

use anyhow::{Context, Result, bail, ensure};
use engine::{Dialect, Engine};
use measures::{Pair, Store};
use one_table::OneTable;
use sample::Sample;
use std::path::Path;
use table_each::TableEach;

const USAGE: &str = "layouts FOLDER POSTGRES_URL [RECORDS [sqlite|postgres]]";
/// Below this, parts of the sample are empty.
const RECORDS_MIN: u64 = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, url) = (args.first().context(USAGE)?, args.get(1).context(USAGE)?);
    let records = args.get(2).map_or(Ok(1_000_000), |count| count.parse()).context(USAGE)?;
    ensure!(records >= RECORDS_MIN, "at least {RECORDS_MIN} records");
    let engines: &[Dialect] = match args.get(3).map(String::as_str) {
        None => &[Dialect::Sqlite, Dialect::Postgres],
        Some("sqlite") => &[Dialect::Sqlite],
        Some("postgres") => &[Dialect::Postgres],
        Some(_) => bail!(USAGE),
    };
    for dialect in engines {
        let [a, b] = match dialect {
            Dialect::Sqlite => {
                let folder = Path::new(folder);
                [Engine::sqlite(&folder.join("layout-a.db"))?, Engine::sqlite(&folder.join("layout-b.db"))?]
            }
            Dialect::Postgres => {
                [Engine::postgres(url, "layout_a").await?, Engine::postgres(url, "layout_b").await?]
            }
        };
        let stores = [Store { layout: &OneTable, engine: a }, Store { layout: &TableEach, engine: b }];
        let mut pair = Pair { stores, sample: Sample::new(records), findings: Vec::new() };
        measure(&mut pair).await?;
        let second = pair.sample.second;
        println!("\n### {}: {records} records, {second} of the second data table\n", dialect.name());
        println!("{}", report::table(&pair.findings));
    }
    Ok(())
}

async fn measure(pair: &mut Pair) -> Result<()> {
    pair.load().await?;
    pair.insert_tail().await?;
    if pair.dialect() == Dialect::Sqlite {
        plans::print_choices(pair).await?;
    }
    pair.analyze().await?;
    pair.weigh().await?;
    pair.ask().await?;
    plans::print_plans(pair).await?;
    if pair.dialect() == Dialect::Postgres {
        plans::print_plan_cache(pair).await?;
    }
    pair.change_fields().await?;
    pair.define_others().await?;
    pair.remove().await
}
