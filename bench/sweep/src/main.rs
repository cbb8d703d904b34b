//! How quickly due contracts are charged with the built-in fake provider, and whether memory stays level meanwhile.
//!
//! `sweep sqlite DIR` or `sweep postgres URL`; the number of contracts is `CONTRACTS` (100,000). Prints Markdown. The
//! limit beside it is what any engine must do that keeps charges apart: three units of work for each, one after
//! another, that write as many rows of the same size and read nothing.

mod limit;
mod memory;
mod setting;

use memory::Memory;
use setting::Setting;
use std::error::Error;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [engine, place] = arguments.as_slice() else {
        return Err("usage: sweep sqlite DIR | sweep postgres URL".into());
    };
    let contracts = std::env::var("CONTRACTS").map_or(Ok(100_000), |text| text.parse())?;
    let setting = Setting::filled(engine, place, contracts).await?;
    let limit_cycles = (contracts / 5).max(1);

    let before = limit::rate(&setting, limit_cycles).await?;
    setting.let_all_fall_due();
    let mut samples = vec![(0, Memory::now()?)];
    let started = Instant::now();
    let mut done = 0;
    loop {
        let looked_at = setting.guildhall.run_billing().await?;
        if looked_at == 0 {
            break;
        }
        done += looked_at as u64;
        for part in [10, 50, 100] {
            if done * 100 >= contracts * part && samples.iter().all(|(known, _)| *known != part) {
                samples.push((part, Memory::now()?));
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let after = limit::rate(&setting, limit_cycles).await?;
    setting.check(contracts).await?;

    let (rate, limit) = (contracts as f64 / seconds, (before + after) / 2.0);
    println!("## {engine}, {contracts} due contracts\n");
    println!(
        "{rate:.0} charges a second; the limit {limit:.0} ({before:.0} before, {after:.0} after). Ratio {:.2}\n",
        rate / limit
    );
    println!("| swept | resident MiB | of these anonymous |");
    println!("|---|---|---|");
    for (part, memory) in samples {
        println!("| {part} % | {} | {} |", memory.resident_mib, memory.anonymous_mib);
    }
    println!();
    Ok(())
}
