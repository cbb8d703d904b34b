#!/usr/bin/env bash
# Measures Guildhall against the machine's limits, in one run, and prints ratios. See bench/README.md.
source "$(dirname "$0")/../scripts/lib.sh"
need_rust
need_packages wrk wrk
need_packages taskset util-linux

MEMBERS=${MEMBERS:-1000000}   # the large database
SECONDS_EACH=${SECONDS_EACH:-4}
ROUNDS=${ROUNDS:-5}
SERVER_CPU=${SERVER_CPU:-0}   # the server's core; the load runs on LOAD_CPU
LOAD_CPU=${LOAD_CPU:-1}

work=$(mktemp -d "${TMPDIR:-/tmp}/guildhall-bench-XXXXXX")
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT

say 'building'
cargo build --release --locked --quiet -p guildhall
CARGO_TARGET_DIR=$TARGET_DIR/bench-limit cargo build --release --quiet --manifest-path bench/limit/Cargo.toml
guildhall=$TARGET_DIR/release/guildhall
limit=$TARGET_DIR/bench-limit/release/limit

# field NAME: a text field of the JSON on standard input.
field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/"; }

seed_guildhall() {
    local dir=$work/$1 count=$2 app plan
    app=$("$guildhall" app create --data-dir "$dir" --name bench --json | sed -E 's/^\{"id":"([^"]*)".*/\1/')
    "$guildhall" key create --data-dir "$dir" --app "$app" --kind secret --env live --name bench --rate-limit none --json |
        field key >"$dir/key"
    plan=$("$guildhall" plan create --data-dir "$dir" --app "$app" --name Basic --json | sed -E 's/^\{"id":"([^"]*)".*/\1/')
    seq "$count" | awk -v plan="$plan" -v filler="$(printf 'lorem ipsum %.0s' {1..12})" '{
        printf "{\"email\":\"member%d@example.com\",\"verified\":true,\"customFields\":{\"first-name\":\"First%d\",\"last-name\":\"Last%d %s\"},\"metaData\":{\"source\":\"import\",\"row\":%d},\"plans\":[{\"planId\":\"%s\"}]}\n", $1, $1, $1, filler, $1, plan }' |
        "$guildhall" member import --data-dir "$dir" --app "$app" --env live --file - --format jsonl >/dev/null
    "$guildhall" member export --data-dir "$dir" --app "$app" --env live --file - --format jsonl |
        sed -E 's/^\{"id":"([^"]*)".*/\1/' | shuf -n 20000 >"$dir/ids"
}

seed_limit() {
    mkdir -p "$work/$1"
    "$limit" seed "$work/$1/limit.db" "$2" >"$work/$1/key"
    shuf -i "1-$2" -n 20000 | awk '{ printf "mem_c%024d\n", $1 }' >"$work/$1/ids"
}

start() { # start PORT COMMAND...
    local port=$1
    shift
    taskset -c "$SERVER_CPU" "$@" >>"$work/servers.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 200); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
        sleep 0.05
    done
    echo "no server on $port" >&2
    tail "$work/servers.log" >&2
    exit 1
}

# load NAME PORT CONNECTIONS METHOD PREFIX DATASET: appends "NAME RATE P50 P99 ERRORS" to the results.
load() {
    local name=$1 port=$2 connections=$3 dataset=$6 ids=
    [ "$5" = /hello ] || ids=$work/$dataset/ids
    local result
    result=$(METHOD=$4 PREFIX=$5 IDS=$ids KEY=$(cat "$work/$dataset/key") taskset -c "$LOAD_CPU" \
        wrk -t1 -c"$connections" -d"${SECONDS_EACH}s" -s bench/load.lua "http://127.0.0.1:$port" | sed -n 's/^RESULT //p')
    echo "$name $result" >>"$work/results"
    [ "${result##* }" = 0 ] || { echo "errors in $name: $result" >&2; exit 1; }
}

# median NAME COLUMN
median() { awk -v name="$1" -v column="$2" '$1 == name { print $column }' "$work/results" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$(median "$1" 2)" -v b="$(median "$2" 2)" 'BEGIN { printf "%.2f", a / b }'; }

say "seeding (1,000 and $MEMBERS members, each for Guildhall and for the limit)"
seed_guildhall small 1000
seed_guildhall large "$MEMBERS"
seed_limit limit-small 1000
seed_limit limit-large "$MEMBERS"

start 18401 "$guildhall" serve --data-dir "$work/small" --listen 127.0.0.1:18401
start 18402 "$guildhall" serve --data-dir "$work/large" --listen 127.0.0.1:18402
start 18403 "$limit" serve "$work/limit-small/limit.db" 18403
start 18404 "$limit" serve "$work/limit-large/limit.db" 18404

say "measuring: $ROUNDS rounds of $SECONDS_EACH s each"
for round in $(seq "$ROUNDS"); do
    echo "round $round" >&2
    load hello 18404 32 GET /hello limit-large
    for connections in 1 32 64; do
        load "limit-get-large-$connections" 18404 "$connections" GET /members/ limit-large
        load "get-large-$connections" 18402 "$connections" GET /members/ large
        load "get-small-$connections" 18401 "$connections" GET /members/ small
        load "limit-get-small-$connections" 18403 "$connections" GET /members/ limit-small
    done
    load single-64 18403 64 PATCH /members/ limit-small
    load patch-64 18401 64 PATCH /members/ small
    load grouped-64 18403 64 PATCH /grouped/ limit-small
done
memory=$(awk '/^RssAnon/ { printf "%d", $2 / 1024 }' "/proc/${pids[1]}/status")

report() {
    echo "| what | Guildhall | compared with | ratio |"
    echo "|---|---|---|---|"
    row() { echo "| $1 | $(median "$2" 2)/s, p99 $(median "$2" 4) µs | $4: $(median "$3" 2)/s, p99 $(median "$3" 4) µs | **$(ratio "$2" "$3")** |"; }
    row "GET by id, $MEMBERS members, 32 connections" get-large-32 hello 'bare HTTP'
    for connections in 1 32 64; do
        row "GET by id, $MEMBERS members, $connections connections" "get-large-$connections" "limit-get-large-$connections" 'HTTP + hash + point read'
    done
    for connections in 1 32 64; do
        row "GET by id, $MEMBERS members, $connections connections" "get-large-$connections" "get-small-$connections" 'Guildhall with 1,000 members'
        row "the limit, $MEMBERS members, $connections connections" "limit-get-large-$connections" "limit-get-small-$connections" 'the limit with 1,000 members'
    done
    row 'PATCH, durable, 64 connections' patch-64 single-64 'one commit per request'
    row 'PATCH, durable, 64 connections' patch-64 grouped-64 'the same work grouped'
    echo
    echo "Anonymous memory of the server with $MEMBERS members after the load: $memory MiB. Errors: none."
}
mkdir -p bench/results
report | tee bench/results/latest.md
