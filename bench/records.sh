#!/usr/bin/env bash
# Measures queries over data tables against the same SQL written by hand, on both engines, in one run
# each. See bench/README.md. SMALL, LARGE and ROUNDS are passed on.
source "$(dirname "$0")/../scripts/lib.sh"

say 'building'
need_rust
target=$TARGET_DIR/bench-records
CARGO_TARGET_DIR=$target cargo build --release --locked --quiet --manifest-path bench/records/Cargo.toml
[ -n "${GUILDHALL_BIN:-}" ] || cargo build --release --locked --quiet -p guildhall
program=$PWD/$target/release/records
case $target in /*) program=$target/release/records ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/guildhall-records-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p bench/results

say 'SQLite'
"$program" sqlite "$work" | tee bench/results/records.md
bench/records-http.sh --data-dir "$work" | tee -a bench/results/records.md
say 'PostgreSQL'
# shellcheck disable=SC2016 # the inner shell expands it
DURABLE=1 scripts/with-postgres.sh bash -c '"$1" postgres "$GUILDHALL_TEST_POSTGRES_URL" &&
    bench/records-http.sh --data-dir "$2" --database-url "$GUILDHALL_TEST_POSTGRES_URL"' - "$program" "$work/empty" |
    tee -a bench/results/records.md
