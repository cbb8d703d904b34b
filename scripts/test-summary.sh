#!/usr/bin/env bash
# test-summary.sh LOG: how many tests ran on each engine; fails if one engine saw fewer.
set -euo pipefail
log=$1
count() { grep -cE "$2" "$1" || true; }
sum() { sed -nE "s/$2/\1/p" "$1" | awk '{ total += $1 } END { print total + 0 }'; }

rust_sqlite=$(count "$log" '^test .*::sqlite \.\.\. ok$')
rust_postgres=$(count "$log" '^test .*::postgres \.\.\. ok$')
rust=$(sum "$log" '^test result: .* ([0-9]+) passed;.*')
rust_failed=$(sum "$log" '^test result: .* ([0-9]+) failed;.*')
sdk_sqlite=$(sum "$log.sqlite" '.*ℹ pass ([0-9]+)$')
sdk_postgres=$(sum "$log.postgres" '.*ℹ pass ([0-9]+)$')
sdk_failed=$(($(sum "$log.sqlite" '.*ℹ fail ([0-9]+)$') + $(sum "$log.postgres" '.*ℹ fail ([0-9]+)$')))
appstle_sqlite=$(sum "$log.appstle.sqlite" '.*ℹ pass ([0-9]+)$')
appstle_postgres=$(sum "$log.appstle.postgres" '.*ℹ pass ([0-9]+)$')
appstle_failed=$(($(sum "$log.appstle.sqlite" '.*ℹ fail ([0-9]+)$') + $(sum "$log.appstle.postgres" '.*ℹ fail ([0-9]+)$')))
browser_sqlite=$(sum "$log.browser.sqlite" '.*ℹ pass ([0-9]+)$')
browser_postgres=$(sum "$log.browser.postgres" '.*ℹ pass ([0-9]+)$')
browser_failed=$(($(sum "$log.browser.sqlite" '.*ℹ fail ([0-9]+)$') + $(sum "$log.browser.postgres" '.*ℹ fail ([0-9]+)$')))

printf '\n%-36s %8s %8s\n' '' SQLite PostgreSQL
printf '%-36s %8d %8d\n' 'storage and HTTP behaviours' "$rust_sqlite" "$rust_postgres"
printf '%-36s %8d %8d\n' "vendors' SDKs and raw HTTP" "$sdk_sqlite" "$sdk_postgres"
printf '%-36s %8d %8d\n' "Appstle's cases over plain HTTP" "$appstle_sqlite" "$appstle_postgres"
printf '%-36s %8d %8d\n' 'in Chromium: SDK and dashboard' "$browser_sqlite" "$browser_postgres"
printf '%-36s %8d\n\n' 'other tests' $((rust - rust_sqlite - rust_postgres))
if [ "$rust_sqlite" -ne "$rust_postgres" ] || [ "$sdk_sqlite" -ne "$sdk_postgres" ] ||
    [ "$browser_sqlite" -ne "$browser_postgres" ] || [ "$appstle_sqlite" -ne "$appstle_postgres" ] ||
    [ "$rust_sqlite" -eq 0 ] || [ "$sdk_sqlite" -eq 0 ] || [ "$appstle_sqlite" -eq 0 ] ||
    [ "$browser_sqlite" -eq 0 ]; then
    echo 'The engines did not run the same tests.' >&2
    exit 1
fi
printf '%d passed, %d failed\n' $((rust + sdk_sqlite + sdk_postgres + appstle_sqlite + appstle_postgres + browser_sqlite + browser_postgres)) \
    $((rust_failed + sdk_failed + appstle_failed + browser_failed))
[ $((rust_failed + sdk_failed + appstle_failed + browser_failed)) -eq 0 ]
