#!/usr/bin/env bash
# layouts.sh [RECORDS [sqlite|postgres]]: two ways to lay records of data tables, measured against each other. See
# docs/decisions/0007-one-table-for-each-data-table.md. A million records take about 25 minutes.
source "$(dirname "$0")/../scripts/lib.sh"

say 'building'
need_rust
target=$TARGET_DIR/bench-layouts
CARGO_TARGET_DIR=$target cargo build --release --locked --quiet --manifest-path bench/layouts/Cargo.toml
program=$PWD/$target/release/layouts
case $target in /*) program=$target/release/layouts ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/guildhall-layouts-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p bench/results
DURABLE=1 scripts/with-postgres.sh bash -c '"$0" "$1" "$GUILDHALL_TEST_POSTGRES_URL" "${@:2}"' "$program" "$work" "$@" |
    tee bench/results/layouts.md
