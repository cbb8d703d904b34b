#!/usr/bin/env bash
# Formatting, lints, and whether generated files are up to date.
source "$(dirname "$0")/lib.sh"
need_rust
for tool in fmt clippy; do
    cargo "$tool" --version >/dev/null 2>&1 || {
        echo "Missing: cargo $tool. Install it with: rustup component add ${tool/fmt/rustfmt}" >&2
        exit 1
    }
done
say 'formatting'
cargo fmt --all --check
say 'lints'
cargo clippy --locked --workspace --all-targets -- -D warnings
say 'documentation links'
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet
say 'generated files'
scripts/generated.sh --check
say 'lock files outside the workspace'
for manifest in bench/*/Cargo.toml fuzz/Cargo.toml; do
    cargo update --workspace --locked --quiet --manifest-path "$manifest" || {
        echo "$manifest and its lock file differ. Mend that with: cargo update --workspace --manifest-path $manifest" >&2
        exit 1
    }
done
say 'scripts'
for script in scripts/*.sh bench/*.sh .ci/run; do bash -n "$script"; done
find tests -name '*.mjs' -not -path '*/node_modules/*' -print0 | xargs -0 -n 1 node --check
