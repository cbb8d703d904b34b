#!/usr/bin/env bash
# fuzz.sh [MINUTES] [TARGET...]: fuzzes each target for an equal share of the time. Fails at the first finding.
source "$(dirname "$0")/lib.sh"
minutes=${1:-10}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(query_parse where_lowering record_changes decimal)
need_rust
cargo +nightly --version >/dev/null 2>&1 || {
    echo 'Missing: a nightly compiler. Install it with: rustup toolchain install nightly' >&2
    exit 1
}
cargo fuzz --version >/dev/null 2>&1 || {
    echo 'Missing: cargo-fuzz. Install it with: cargo install cargo-fuzz' >&2
    exit 1
}
seconds=$((minutes * 60 / ${#targets[@]}))
say 'building the targets'
cargo +nightly fuzz build --sanitizer none --debug-assertions
for target in "${targets[@]}"; do
    say "$target, $seconds seconds"
    options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
    [ "$target" = decimal ] || options+=(-dict=fuzz/dictionaries/json.dict)
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run --sanitizer none --debug-assertions "$target" \
        "fuzz/corpus/$target" "fuzz/seeds/$target" -- "${options[@]}"
done
