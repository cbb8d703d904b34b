#!/usr/bin/env bash
# Measures pages of a large data table against those of a small one as their callers see them: over HTTP, on the database
# that bench/records.sh has filled. Arguments are those of `guildhall serve`. See bench/README.md.
source "$(dirname "$0")/../scripts/lib.sh"
SMALL=${SMALL:-10000} LARGE=${LARGE:-1000000} HTTP_ROUNDS=${HTTP_ROUNDS:-15} SECONDS_EACH=${SECONDS_EACH:-2}
PORT=${PORT:-18430}
guildhall=${GUILDHALL_BIN:-$TARGET_DIR/release/guildhall}
need_packages wrk wrk
need_packages taskset util-linux
need_packages curl curl

# text NAME: the first text of that name in the JSON on standard input.
text() { tr -d '\n' | grep -oE "\"$1\" *: *\"[^\"]*\"" | head -n 1 | sed -E 's/.*"([^"]*)"$/\1/'; }

app=$("$guildhall" app list --json "$@" | text id)
KEY=$("$guildhall" key create "$@" --app "$app" --kind secret --env live --name bench --rate-limit none --json | text key)
export KEY
log=$(mktemp "${TMPDIR:-/tmp}/guildhall-records-log-XXXXXX")
taskset -c 0 "$guildhall" serve "$@" --listen "127.0.0.1:$PORT" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait; rm -f "$log"' EXIT
for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then break; fi
    kill -0 "$server" || { tail "$log" >&2; exit 1; }
    sleep 0.1
done

# A page of each table is looked at: what is measured must be the right answer.
for table in few many; do
    found=$(curl -sS -X POST -H "X-API-KEY: $KEY" -H 'Content-Type: application/json' \
        -d '{"query":{"findMany":{"where":{"n":{"gte":7}},"orderBy":{"n":"asc"},"take":50}}}' \
        "http://127.0.0.1:$PORT/v2/data-tables/$table/records/query" | grep -o '"internalOrder"' | wc -l)
    [ "$found" = 50 ] || { echo "a page of $table has $found records" >&2; exit 1; }
done

SALT=0
load() { # load ASK TABLE SIZE: requests a second
    local rate requests bad
    SALT=$((SALT + 1))
    read -r rate requests bad < <(ASK=$1 TABLE=$2 SIZE=$3 SALT=$SALT taskset -c 1 wrk -t1 -c"${CONNECTIONS:-4}" -d"${SECONDS_EACH}s" \
        -s bench/records.lua "http://127.0.0.1:$PORT" | sed -n 's/^RESULT //p')
    if [ "${bad:-1}" != 0 ] || [ "$requests" = 0 ]; then
        echo "$1: of ${requests:-no} requests ${bad:-?} failed" >&2
        tail -n 3 "$log" >&2
        exit 1
    fi
    : >"$log"
    echo "$rate"
}

median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.2f (%.2f, %.2f)", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR] }'; }

printf '## Over HTTP, %s records against %s, %s rounds\n\n| what | time of a request, large / small (lowest, highest) |\n|---|---|\n' \
    "$LARGE" "$SMALL" "$HTTP_ROUNDS"
declare -A what=([number]='indexed NUMBER ≥ x, ordered by it, 50' [decimal]='indexed DECIMAL ≤ x, largest first, 50'
    [text]='indexed text = x, oldest first (20 match)' [newest]='all, newest first, 50')
declare -A ratios=()
for round in $(seq 0 "$HTTP_ROUNDS"); do
    for ask in number decimal text newest; do
        if [ $((round % 2)) = 0 ]; then
            few=$(load "$ask" few "$SMALL")
            many=$(load "$ask" many "$LARGE")
        else
            many=$(load "$ask" many "$LARGE")
            few=$(load "$ask" few "$SMALL")
        fi
        # The first round warms both up.
        [ "$round" = 0 ] || ratios[$ask]+=$(awk -v few="$few" -v many="$many" 'BEGIN { print few / many }')$'\n'
    done
done
for ask in number decimal text newest; do
    printf '| %s | **%s** |\n' "${what[$ask]}" "$(printf '%s' "${ratios[$ask]}" | median)"
done
