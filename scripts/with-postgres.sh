#!/usr/bin/env bash
# with-postgres.sh COMMAND...: runs the command with GUILDHALL_TEST_POSTGRES_URL set to a
# throw-away cluster that ends with it. With DURABLE=1 it flushes to disk, as a real one does.
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PATH=${bin:+$bin:}$PATH
folder=$(mktemp -d "${TMPDIR:-/tmp}/guildhall-pg-XXXXXX")
as_server_user=()
if [ "$(id -u)" -eq 0 ]; then
    # PostgreSQL refuses to run as root.
    chown postgres:postgres "$folder"
    as_server_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
run() { (cd /tmp && "${as_server_user[@]}" "$@"); }
stop() {
    run "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || shuf -i 20000-40000 -n 1)
run "${bin:+$bin/}initdb" --auth=trust --username=guildhall --encoding=UTF8 --locale=C --no-sync -D "$folder/data" >/dev/null
settings='-c fsync=off -c synchronous_commit=off -c full_page_writes=off'
[ "${DURABLE:-}" = 1 ] && settings='-c shared_buffers=1GB -c max_wal_size=4GB'
run "${bin:+$bin/}pg_ctl" -D "$folder/data" -s -w -l "$folder/log" -o "-p $port -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c max_connections=300 $settings" start
export GUILDHALL_TEST_POSTGRES_URL="postgres://guildhall@127.0.0.1:$port/postgres"
"$@"
