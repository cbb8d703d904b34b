#!/usr/bin/env bash
# Measures how quickly due contracts are charged, and how level memory stays, on both engines. See bench/README.md.
# CONTRACTS is passed on.
source "$(dirname "$0")/../scripts/lib.sh"

say 'building'
need_rust
target=$TARGET_DIR/bench-sweep
CARGO_TARGET_DIR=$target cargo build --release --locked --quiet --manifest-path bench/sweep/Cargo.toml
program=$PWD/$target/release/sweep
case $target in /*) program=$target/release/sweep ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/guildhall-sweep-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p bench/results

say 'SQLite'
"$program" sqlite "$work" | tee bench/results/sweep.md
say 'PostgreSQL'
DURABLE=1 scripts/with-postgres.sh bash -c '"$1" postgres "$GUILDHALL_TEST_POSTGRES_URL"' - "$program" |
    tee -a bench/results/sweep.md
