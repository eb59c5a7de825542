#!/usr/bin/env bash
# Starts the real service on a free port and calls it, as the carrier would, with every built-in caller at once. Fails
# when a caller's expectation does. The budgets are those of the scripts: wide enough for a busy machine and a debug
# build; figures worth quoting come from the commands in docs/performance.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

callers=(default interrupt goodbye echo silent noise)
work=$(mktemp -d)
service=

cleanup() {
    [[ -z $service ]] || kill "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    printf '\ncall.sh: %s\n' "$*" >&2
    printf -- '-- the last words of the service:\n' >&2
    tail -n 30 "$work/service.log" >&2 || true
    exit 1
}

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port
    for _ in {1..50}; do
        port=$((20000 + RANDOM % 10000))
        is_open "$port" || { echo "$port"; return; }
    done
    return 1
}

cargo build --locked --workspace --bins
port=$(free_port) || fail "no free port between 20000 and 29999"

# Nothing of the user's own configuration, and none of its secrets, belongs into a test.
env -i HOME="$HOME" PATH="$PATH" OFFHOOK_LISTEN="127.0.0.1:$port" OFFHOOK_TRANSFER_TO=+12025550123 \
    OFFHOOK_DATA_DIR="$work/data" \
    target/debug/offhook >"$work/service.log" 2>&1 &
service=$!
for _ in {1..100}; do
    is_open "$port" && break
    kill -0 "$service" 2>/dev/null || fail "the service did not start"
    sleep 0.1
done
is_open "$port" || fail "the service did not listen within 10 s"

call() {
    local here=http://127.0.0.1:$port/twilio
    target/debug/loadtest call --url "$here/voice" --status-callback "$here/status" --script "$1" \
        --wav "$work/$1.wav" --first-audio-ms 500 "${@:2}" >"$work/$1.log" 2>&1
}

declare -A running
for caller in "${callers[@]}"; do
    case $caller in
        interrupt) call "$caller" --count 10 --clear-p50-ms 300 --clear-p95-ms 500 & ;;
        *) call "$caller" & ;;
    esac
    running[$caller]=$!
done

failed=()
for caller in "${callers[@]}"; do
    if wait "${running[$caller]}"; then
        echo "ok      $caller"
    else
        echo "FAILED  $caller"
        failed+=("$caller")
    fi
done
for caller in "${failed[@]}"; do
    printf '\n-- %s\n' "$caller"
    cat "$work/$caller.log"
done
((${#failed[@]} == 0)) || fail "${#failed[@]} of ${#callers[@]} callers were disappointed: ${failed[*]}"

# A small fleet whose calls come and go: nothing lost, nothing refused, everything given back. How fast is not asked of a
# debug build on a machine that may be busy.
if target/debug/loadtest fleet --url "http://127.0.0.1:$port/twilio/voice" --calls 40 --duration 8 --churn 5 \
    --status-callback "http://127.0.0.1:$port/twilio/status" --metrics "http://127.0.0.1:$port/metrics" \
    --pid "$service" --void-above-ms 1000 --lost-max 0 --missed-max-percent 10 --refused-max 0 --gauges-left-max 0 \
    --descriptors-left-max 0 >"$work/fleet.log" 2>&1; then
    echo "ok      fleet"
else
    cat "$work/fleet.log"
    fail "the fleet was disappointed"
fi

# A service without calls has nothing to wait for when it is told to go.
kill -TERM "$service"
for _ in {1..100}; do
    kill -0 "$service" 2>/dev/null || break
    sleep 0.1
done
kill -0 "$service" 2>/dev/null && fail "the service was still there 10 s after SIGTERM"
status=0
wait "$service" || status=$?
service=
((status == 0)) || fail "the service ended with status $status after SIGTERM"
echo "ok      the service ended when it was told to"
