//! Guildhall's queries over data tables against the same SQL written by hand, on the same database in
//! the same run, and with few records against many.
//!
//! `records sqlite DIR` or `records postgres URL`; the sizes are `SMALL` (10,000) and `LARGE`
//! (1,000,000), the rounds `ROUNDS` (15). Prints a Markdown table of ratios. Each round takes every
//! measure once, Guildhall and the hand-written one in turns; a ratio is taken within its round, and the
//! table shows the median over the rounds.

mod by_hand;
mod measure;
mod setting;

use measure::{Measure, Series};
use setting::Setting;
use std::error::Error;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [engine, place] = arguments.as_slice() else {
        return Err("usage: records sqlite DIR | records postgres URL".into());
    };
    let size = |name: &str, preset: u64| -> Outcome<u64> {
        Ok(std::env::var(name).map_or(Ok(preset), |text| text.parse())?)
    };
    let (few, many, rounds) = (size("SMALL", 10_000)?, size("LARGE", 1_000_000)?, size("ROUNDS", 15)?);

    let setting = Setting::open(engine, place).await?;
    let small = setting.table("few", few).await?;
    let large = setting.table("many", many).await?;
    setting.analyze().await?;
    let mut hand = by_hand::open(engine, place).await?;

    let mut series: Vec<Series> = Measure::ALL.map(Series::new).into();
    for round in 0..rounds {
        for series in &mut series {
            series.round(round, &setting, &mut hand, &small, &large).await?;
        }
    }
    println!("## {engine}, {many} records, {rounds} rounds\n");
    println!("| what | Guildhall | by hand | Guildhall / by hand (lowest, highest) | {many} / {few} records |");
    println!("|---|---|---|---|---|");
    series.iter().for_each(|series| println!("{}", series.row()));
    Ok(())
}
