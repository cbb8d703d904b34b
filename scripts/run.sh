#!/usr/bin/env bash
# Builds the server and starts it on 127.0.0.1:3010 with ./data.
source "$(dirname "$0")/lib.sh"
need_rust
say 'building (the first time takes a few minutes)'
cargo build --release --locked -p guildhall
exec "$TARGET_DIR/release/guildhall" serve --data-dir ./data --listen 127.0.0.1:3010 "$@"
