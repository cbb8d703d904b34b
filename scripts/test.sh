#!/usr/bin/env bash
# Every test, on both engines: Rust's, then the vendors' own SDKs and plain HTTP against a running server.
source "$(dirname "$0")/lib.sh"
scripts/setup-test.sh
mkdir -p "$TARGET_DIR"
log=$TARGET_DIR/test.log
rm -f "$log" "$log".*

say 'building the tests and the server'
cargo build --locked --workspace --bins
cargo test --locked --workspace --no-run

say 'Rust tests'
scripts/with-postgres.sh cargo test --locked --workspace 2>&1 | tee -a "$log"

say 'installing the SDKs'
npm ci --no-audit --no-fund --silent --prefix tests/clients
npm ci --no-audit --no-fund --silent --prefix tests/browser
export GUILDHALL_BIN=$PWD/$TARGET_DIR/debug/guildhall
case $TARGET_DIR in /*) GUILDHALL_BIN=$TARGET_DIR/debug/guildhall ;; esac
for engine in sqlite postgres; do
    say "SDK tests on $engine"
    scripts/with-postgres.sh node tests/clients/run.mjs "$engine" 2>&1 | tee -a "$log.$engine"
    say "Appstle cases on $engine"
    scripts/with-postgres.sh node tests/appstle/run.mjs "$engine" 2>&1 | tee -a "$log.appstle.$engine"
    say "browser tests on $engine"
    scripts/with-postgres.sh node tests/browser/run.mjs "$engine" 2>&1 | tee -a "$log.browser.$engine"
done

scripts/test-summary.sh "$log"
