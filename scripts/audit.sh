#!/usr/bin/env bash
# Licences, bans and sources. Advisories need their database from the network: `cargo deny check`.
source "$(dirname "$0")/lib.sh"
cargo deny --version >/dev/null 2>&1 || {
    echo 'Missing: cargo-deny. Install it with: cargo install --locked cargo-deny' >&2
    exit 1
}
cargo deny check licenses bans sources
