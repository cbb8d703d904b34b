#!/usr/bin/env bash
# Measures Guildhall against the machine's limits, in one run, and prints ratios. See bench/README.md.
source "$(dirname "$0")/../scripts/lib.sh"

if [ "${QUICK:-}" = 1 ]; then
    : "${MEMBERS:=100000}" "${ROUNDS:=3}" "${SECONDS_EACH:=2}"
fi
MEMBERS=${MEMBERS:-1000000} # the large database
SMALL=${SMALL:-1000}
ROUNDS=${ROUNDS:-5}                   # of each measure, disturbed ones not counted
ATTEMPTS=${ATTEMPTS:-$((ROUNDS * 3))} # the same, disturbed ones counted
TOLERANCE=${TOLERANCE:-10}            # how many percent a round's controls may be off
SECONDS_EACH=${SECONDS_EACH:-3}
CONTROL_SECONDS=${CONTROL_SECONDS:-2}
CPUS=${CPUS:-0} # the server's cores; the primary figures have one
LOAD_CPU=${LOAD_CPU:-1}
PORT=${PORT:-18400} # and the three after it
SIGNUP_CONNECTIONS=${SIGNUP_CONNECTIONS:-4}
read -ra guildhall_args <<<"${GUILDHALL_ARGS:-}" # more flags for `guildhall serve`

fail() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

need_packages wrk wrk
need_packages taskset util-linux
need_packages curl curl
[ "$(nproc --all)" -ge 2 ] || fail 'two cores are needed, one for the server and one for the load'

work=$(mktemp -d "${TMPDIR:-/tmp}/guildhall-bench-XXXXXX")
declare -A pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- the two programs -------------------------------------------------------------------------------

say 'building'
need_rust
limit_target=$TARGET_DIR/bench-limit
CARGO_TARGET_DIR=$limit_target cargo build --release --locked --quiet --manifest-path bench/limit/Cargo.toml
limit=$limit_target/release/limit
if [ -n "${GUILDHALL_BIN:-}" ]; then
    [ -x "$GUILDHALL_BIN" ] || fail "GUILDHALL_BIN=$GUILDHALL_BIN cannot be run"
    guildhall=$GUILDHALL_BIN
else
    cargo build --release --locked --quiet -p guildhall
    guildhall=$TARGET_DIR/release/guildhall
fi

# --- members ----------------------------------------------------------------------------------------

IDS_MAX=200000 # as many as the load keeps; load.lua says how many that is

# field NAME: the first text field of that name in the JSON on standard input.
field() {
    local value
    value=$(tr -d '\n' | grep -oE "\"$1\" *: *\"[^\"]*\"" | head -n 1 | sed -E 's/.*"([^"]*)"$/\1/' || true)
    [ -n "$value" ] || fail "no \"$1\" in an answer of guildhall"
    printf '%s\n' "$value"
}

members() { # members COUNT PLAN
    seq "$1" | awk -v plan="$2" -v words="$(printf 'lorem ipsum %.0s' {1..12})" '{
        printf "{\"email\":\"member%d@example.com\",\"verified\":true,", $1
        printf "\"customFields\":{\"first-name\":\"First%d\",\"last-name\":\"Last%d %s\"},", $1, $1, words
        printf "\"metaData\":{\"source\":\"import\",\"row\":%d},\"json\":{},\"plans\":[{\"planId\":\"%s\"}]}\n", $1, plan }'
}

seed_guildhall() { # seed_guildhall NAME COUNT
    local dir=$work/$1 count=$2 app plan taken
    app=$("$guildhall" app create --data-dir "$dir" --name bench --json | field id)
    "$guildhall" key create --data-dir "$dir" --app "$app" --kind secret --env live --name bench \
        --rate-limit none --json | field key >"$dir/key"
    plan=$("$guildhall" plan create --data-dir "$dir" --app "$app" --name Basic --json | field id)
    members "$count" "$plan" >"$dir/members.jsonl"
    "$guildhall" member import --data-dir "$dir" --app "$app" --env live --file "$dir/members.jsonl" >/dev/null
    rm "$dir/members.jsonl"
    "$guildhall" member export --data-dir "$dir" --app "$app" --env live --file - --format jsonl |
        sed -E 's/^\{"id":"([^"]*)".*/\1/' >"$dir/all"
    taken=$(wc -l <"$dir/all")
    [ "$taken" = "$count" ] || fail "$count members were imported and $taken exported"
    shuf -n "$IDS_MAX" "$dir/all" >"$dir/ids"
    rm "$dir/all"
}

seed_limit() { # seed_limit NAME COUNT
    mkdir -p "$work/$1"
    "$limit" seed "$work/$1/limit.db" "$2" >"$work/$1/key"
    shuf -i "1-$2" -n "$IDS_MAX" | awk '{ printf "mem_c%024d\n", $1 }' >"$work/$1/ids"
}

# --- servers ----------------------------------------------------------------------------------------

declare -A ports=([guildhall-large]=$PORT [guildhall-small]=$((PORT + 1)) [limit-large]=$((PORT + 2)) [limit-small]=$((PORT + 3)))

start() { # start NAME COMMAND...
    local name=$1 port=${ports[$1]}
    shift
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port is taken; choose four others with PORT="
    taskset -c "$CPUS" "$@" >>"$work/$name.log" 2>&1 &
    pids[$name]=$!
    for _ in $(seq 200); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        kill -0 "${pids[$name]}" 2>/dev/null || break
        sleep 0.05
    done
    tail "$work/$name.log" >&2
    fail "$name does not listen on $port"
}

ask() { # ask NAME METHOD PATH [BODY]: the response, with its status in front
    curl -sS --max-time 10 -w '\n%{http_code}\n' -X "$2" -H "X-API-KEY: $(cat "$work/$1/key")" \
        -H 'Content-Type: application/json' ${4:+-d "$4"} "http://127.0.0.1:${ports[$1]}$3" | tac
}

# A request of each kind, looked at: what is measured must be the right answer.
check() { # check NAME PATCH_PATH
    local id answer
    id=$(head -n 1 "$work/$1/ids")
    answer=$(ask "$1" GET "/members/$id")
    [[ $answer == 200* && $answer == *"\"id\":\"$id\""* ]] || fail "$1 answers a GET with: $answer"
    sizes[$1]=$((${#answer} - 4))
    answer=$(ask "$1" PATCH "$2$id" '{"customFields":{"first-name":"Checked"}}')
    [[ $answer == 200* ]] || fail "$1 answers a PATCH with: $answer"
    answer=$(ask "$1" GET "/members/$id")
    [[ $answer == *'"first-name":"Checked"'*lorem* ]] || fail "$1 did not keep a PATCH: $answer"
}
declare -A sizes=()

memory() { # memory NAME: anonymous and resident MiB
    awk '/^RssAnon/ { anon = $2 } /^VmRSS/ { rss = $2 } END { printf "%d %d", anon / 1024, rss / 1024 }' "/proc/${pids[$1]}/status"
}

# --- loads ------------------------------------------------------------------------------------------

loads=0
wrk_on() { # wrk_on NAME SECONDS CONNECTIONS METHOD PREFIX [BODY]: "rate p50 p99 requests refused broken"
    local ids=$work/$1/ids
    if [ "$5" = /hello ] || [ "${6:-}" = signup ]; then ids=; fi
    env METHOD="$4" PREFIX="$5" ${6:+BODY="$6"} ${ids:+IDS="$ids"} KEY="$(cat "$work/$1/key")" SALT="$loads" \
        taskset -c "$LOAD_CPU" wrk -t1 -c"$3" -d"${2}s" --timeout 30s -s bench/load.lua "http://127.0.0.1:${ports[$1]}" |
        sed -n 's/^RESULT //p'
}

# judge WHAT RESULT: fails if a request was refused or broken.
judge() {
    local rate p50 p99 requests refused broken
    read -r rate p50 p99 requests refused broken <<<"$2" || true
    if [ -z "${broken:-}" ] || [ "$requests" = 0 ] || [ "$refused" != 0 ] || [ "$broken" != 0 ]; then
        tail -n 3 "$work"/*.log >&2
        fail "$1: of ${requests:-no} requests ${refused:-?} were refused (status 400 or above) and ${broken:-?} broke"
    fi
}

# Each load is a line: measure, round, name, rate, p50 µs, p99 µs, requests, control before, control after.
load() { # load AS NAME CONNECTIONS METHOD PREFIX [BODY]
    local as=$1 result
    shift
    loads=$((loads + 1))
    # Guildhall logs every request, as it does by default; what it logged is not kept.
    : >"$work/$1.log"
    result=$(wrk_on "$1" "$SECONDS_EACH" "${@:2}") || true
    judge "$as in $measure" "$result"
    read -r -a got <<<"$result"
    echo "$measure $round $as ${got[*]:0:4}" >>"$work/round"
    sleep 0.2
}

control() {
    local result
    result=$(wrk_on limit-small "$CONTROL_SECONDS" 32 GET /hello) || true
    judge control "$result"
    echo "${result%% *}"
}

# in_turn LOAD...: in every second round the other way round, so that a drift favours nobody.
in_turn() {
    local one order=("$@")
    if [ $((round % 2)) = 0 ]; then
        order=()
        for one in "$@"; do order=("$one" "${order[@]}"); done
    fi
    for one in "${order[@]}"; do
        # shellcheck disable=SC2086 # a load is several words
        load $one
    done
}

measure_get() { # measure_get CONNECTIONS
    in_turn "hello limit-large $1 GET /hello" \
        "limit-large limit-large $1 GET /members/" "guildhall-large guildhall-large $1 GET /members/" \
        "limit-small limit-small $1 GET /members/" "guildhall-small guildhall-small $1 GET /members/"
}

measure_patch() { # measure_patch CONNECTIONS
    in_turn "single limit-large $1 PATCH /members/ patch" "guildhall guildhall-large $1 PATCH /members/ patch" \
        "grouped limit-large $1 PATCH /grouped/ patch"
}

measure_flood() { # measure_flood CONNECTIONS: reads alone, then beside sign-ups
    local flood result
    load quiet guildhall-large "$1" GET /members/
    loads=$((loads + 1))
    wrk_on guildhall-large $((SECONDS_EACH + 1)) "$SIGNUP_CONNECTIONS" POST /members signup >"$work/flood" &
    flood=$!
    sleep 0.5
    load flooded guildhall-large "$1" GET /members/
    wait "$flood" || true
    result=$(cat "$work/flood")
    judge "sign-ups in $measure" "$result"
    read -r -a got <<<"$result"
    echo "$measure $round signups ${got[*]:0:4}" >>"$work/round"
    sleep 1
}

# --- rounds -----------------------------------------------------------------------------------------

AWK_LIB='
function median(v, n,    i, j, t) {
    for (i = 2; i <= n; i++) { t = v[i]; for (j = i - 1; j > 0 && v[j] > t; j--) v[j + 1] = v[j]; v[j + 1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function near(a, b) { return a >= b * (1 - tolerance / 100) && a <= b * (1 + tolerance / 100) }
function load_controls(file,    line, v, n) {
    while ((getline line < file) > 0) v[++n] = line
    close(file)
    return median(v, n)
}'
# good MEASURE: how many rounds of it have both controls near the run's median control.
good() {
    awk -v tolerance="$TOLERANCE" -v measure="$1" -v controls="$work/controls" "$AWK_LIB"'
        BEGIN { reference = load_controls(controls) }
        $1 == measure && near($8, reference) && near($9, reference) && !seen[$2]++ { n++ }
        END { print n + 0 }' "$work/rows"
}

declare -A attempted=()
run_round() { # run_round KIND:CONNECTIONS
    measure=$1
    round=$((${attempted[$1]:-0} + 1))
    attempted[$1]=$round
    local before after
    before=$(control)
    : >"$work/round"
    "measure_${1%:*}" "${1#*:}"
    after=$(control)
    printf '%s\n' "$before" "$after" >>"$work/controls"
    awk -v before="$before" -v after="$after" '{ print $0, before, after }' "$work/round" >>"$work/rows"
    printf '%-9s round %d: controls %.0f and %.0f/s, %d of %d rounds count\n' "$1" "$round" "$before" "$after" "$(good "$1")" "$ROUNDS" >&2
}

# Rounds until enough of them count. The median moves as the run goes on, so all are judged anew.
run_until_enough() { # run_until_enough MEASURE...
    local short=1
    while [ "$short" = 1 ]; do
        short=0
        for one in "$@"; do
            if [ "$(good "$one")" -lt "$ROUNDS" ] && [ "${attempted[$one]:-0}" -lt "$ATTEMPTS" ]; then
                short=1
                run_round "$one"
            fi
        done
    done
}

say "seeding: $SMALL and $MEMBERS members, each for Guildhall and for the limit"
seed_guildhall guildhall-small "$SMALL"
seed_guildhall guildhall-large "$MEMBERS"
seed_limit limit-small "$SMALL"
seed_limit limit-large "$MEMBERS"

for name in guildhall-small guildhall-large; do
    start "$name" "$guildhall" serve --data-dir "$work/$name" --listen "127.0.0.1:${ports[$name]}" "${guildhall_args[@]}"
done
for name in limit-small limit-large; do
    start "$name" "$limit" serve "$work/$name/limit.db" "${ports[$name]}"
done
for name in guildhall-small guildhall-large limit-small limit-large; do check "$name" /members/; done
for name in limit-small limit-large; do check "$name" /grouped/; done
memory_idle=$(memory guildhall-large)

say "measuring: $ROUNDS rounds, $SECONDS_EACH s for each load, the server on core $CPUS, the load on core $LOAD_CPU"
measure=warm-up round=0
for name in guildhall-small guildhall-large limit-small limit-large; do load "$name" "$name" 32 GET /members/; done
for _ in 1 2 3 4 5; do control >>"$work/controls"; done
: >"$work/rows"
gets=(get:1 get:32 get:64)
patches=(patch:1 patch:32 patch:64)
run_until_enough "${gets[@]}"
memory_read=$(memory guildhall-large)
run_until_enough "${patches[@]}"
memory_written=$(memory guildhall-large)
memory_limit=$(memory limit-large)
run_until_enough flood:32
memory_flooded=$(memory guildhall-large)

# --- report -----------------------------------------------------------------------------------------

# Lines of a table: title, measure, name, name compared with, what that is, column (4 rate, 6 p99).
lines() {
    for c in 1 32 64; do
        echo "GET by id, $MEMBERS members;get:$c;guildhall-large;hello;bare HTTP;4"
    done
    for c in 1 32 64; do
        echo "GET by id, $MEMBERS members;get:$c;guildhall-large;limit-large;HTTP + key hash + point read;4"
    done
    for c in 1 32 64; do
        echo "GET by id, $MEMBERS members: flatness;get:$c;guildhall-large;guildhall-small;Guildhall with $SMALL members;4"
    done
    for c in 1 32 64; do
        echo "the limit's own flatness;get:$c;limit-large;limit-small;the limit with $SMALL members;4"
    done
    for c in 64 32 1; do
        echo "PATCH, durable, $MEMBERS members;patch:$c;guildhall;single;one commit per request;4"
    done
    for c in 64 32 1; do
        echo "PATCH, durable, $MEMBERS members;patch:$c;guildhall;grouped;the same work, grouped;4"
    done
    echo "GET by id, $MEMBERS members: p99;get:32;guildhall-large;limit-large;HTTP + key hash + point read;6"
    echo "PATCH, durable: p99;patch:64;guildhall;single;one commit per request;6"
    echo "GET by id while members sign up: p99;flood:32;flooded;quiet;the same, nobody signing up;6"
    echo "GET by id while members sign up: rate;flood:32;flooded;quiet;the same, nobody signing up;4"
}

report() {
    echo "# Guildhall against the limits of this machine"
    echo
    if [ "$CPUS" = 0 ]; then
        echo "Primary figures: the server on one core (0), the load on another ($LOAD_CPU)."
    else
        echo "**Not the primary figures**: the server on cores $CPUS, the load on core $LOAD_CPU. The limits serve on one thread, and commit on others."
    fi
    echo "Ratios are medians over rounds of the ratio within the round; lowest and highest are beside them."
    echo "Rates (/s) and times (µs) depend on the machine and mean nothing outside this run."
    echo
    echo "| what | connections | compared with | ratio | lowest–highest | Guildhall | compared |"
    echo "|---|---|---|---|---|---|---|"
    lines | awk -F';' -v tolerance="$TOLERANCE" -v rows="$work/rows" -v controls="$work/controls" "$AWK_LIB"'
        function spot(v) { return column == 4 ? sprintf("%.0f/s", v) : sprintf("%.0f µs", v) }
        BEGIN {
            reference = load_controls(controls)
            while ((getline line < rows) > 0) {
                split(line, f, " ")
                if (!near(f[8], reference) || !near(f[9], reference)) continue
                value[f[1], f[2], f[3], 4] = f[4]
                value[f[1], f[2], f[3], 6] = f[6]
                if (f[2] > last[f[1]]) last[f[1]] = f[2]
            }
        }
        {
            n = 0; low = 1e9; high = 0; column = $6
            for (round = 1; round <= last[$2]; round++) {
                if (!(($2, round, $3, column) in value)) continue
                a[++n] = value[$2, round, $3, column]
                b[n] = value[$2, round, $4, column]
                r[n] = a[n] / b[n]
                if (r[n] < low) low = r[n]
                if (r[n] > high) high = r[n]
            }
            connections = $2
            sub(/.*:/, "", connections)
            if (n == 0) { printf "| %s | %s | %s | no round counts | | | |\n", $1, connections, $5; next }
            printf "| %s | %s | %s | **%.2f** | %.2f–%.2f | %s | %s |\n", $1, connections, $5, median(r, n), low, high, spot(median(a, n)), spot(median(b, n))
        }'
    echo
    echo "| memory of the server with $MEMBERS members, MiB | anonymous | resident, mapped database included |"
    echo "|---|---|---|"
    local state
    for state in "Guildhall, started:$memory_idle" "Guildhall, after the reads:$memory_read" \
        "Guildhall, after the changes:$memory_written" "Guildhall, after the sign-ups:$memory_flooded" \
        "the limit, after reads and changes:$memory_limit"; do
        set -- ${state##*:}
        echo "| ${state%:*} | $1 | $2 |"
    done
    echo
    awk -v connections="$SIGNUP_CONNECTIONS" '$3 == "signups" { n++; rate += $4 } END { printf "Sign-ups: %.0f/s over %d connections beside the reads.\n", rate / n, connections }' "$work/rows"
    echo "A member's response: ${sizes[guildhall-large]} bytes from Guildhall, ${sizes[limit-large]} from the limit."
    awk '{ requests += $7 } END { printf "Requests that count towards the figures or were thrown away with their round: %d. Refused (status 400 or above): 0. Broken: 0.\n", requests }' "$work/rows"
    local thrown=0 one
    for one in "${!attempted[@]}"; do thrown=$((thrown + attempted[$one] - $(good "$one"))); done
    awk -v controls="$work/controls" -v thrown="$thrown" -v tolerance="$TOLERANCE" "$AWK_LIB"'
        BEGIN { printf "Control: %.0f/s (median). Rounds thrown away because a control was more than %d %% off: %d.\n", load_controls(controls), tolerance, thrown }'
}

mkdir -p bench/results
out=bench/results/latest.md
[ "$CPUS" = 0 ] || out=bench/results/cpus-${CPUS//,/-}.md
report | tee "$out"
for one in "${gets[@]}" "${patches[@]}" flood:32; do
    counted=$(good "$one")
    [ "$counted" -ge "$ROUNDS" ] || noisy="${noisy:-}$one has $counted of $ROUNDS; "
done
[ -z "${noisy:-}" ] || fail "the machine was too noisy: after $ATTEMPTS attempts ${noisy}run it again with nothing else running"
