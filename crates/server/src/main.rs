//! The binary: `guildhall serve` and the commands beside it.

mod commands;
mod config;
mod logging;
mod output;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let line = commands::Line::parse();
    let json = line.wants_json();
    match line.run() {
        Ok(code) => code,
        Err(error) => {
            output::error(&error, json);
            ExitCode::FAILURE
        }
    }
}
