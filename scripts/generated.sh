#!/usr/bin/env bash
# Writes docs/cli.md and docs/configuration.md from the program itself. With --check, only tells
# whether they are up to date.
source "$(dirname "$0")/lib.sh"
cargo build --locked --quiet -p guildhall
for document in cli:cli config:configuration; do
    file=docs/${document#*:}.md
    fresh=$("$TARGET_DIR/debug/guildhall" docs "${document%:*}")
    if [ "${1:-}" = --check ]; then
        diff -u "$file" <(printf '%s\n' "$fresh") || {
            echo "$file is out of date: run \`make generated\`" >&2
            exit 1
        }
    else
        printf '%s\n' "$fresh" >"$file"
    fi
done
