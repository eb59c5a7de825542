#!/usr/bin/env bash
# Starts the real service and calls it, as the carrier would: every scenario, many at once, a fleet that comes and goes,
# and the doctor; a minute and a half. Budgets are wide enough for a busy machine and a debug build; figures worth
# quoting come from the commands in docs/performance.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
service=
port=

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
    for _ in {1..50}; do
        port=$((20000 + RANDOM % 10000))
        is_open "$port" || return 0
    done
    fail "no free port between 20000 and 29999"
}

# start NAME=VALUE…: with these settings alone. Nothing of the user's own configuration, and none of its secrets, belongs
# into a test.
start() {
    free_port
    env -i HOME="$HOME" PATH="$PATH" OFFHOOK_LISTEN="127.0.0.1:$port" OFFHOOK_DATA_DIR="$work/data.$port" "$@" \
        target/debug/offhook >"$work/service.log" 2>&1 &
    service=$!
    for _ in {1..100}; do
        is_open "$port" && return 0
        kill -0 "$service" 2>/dev/null || fail "the service did not start"
        sleep 0.1
    done
    fail "the service did not listen within 10 s"
}

# A service without calls has nothing to wait for when it is told to go.
stop() {
    kill -TERM "$service"
    for _ in {1..100}; do
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
    done
    kill -0 "$service" 2>/dev/null && fail "the service was still there 10 s after SIGTERM"
    local status=0
    wait "$service" || status=$?
    service=
    ((status == 0)) || fail "the service ended with status $status after SIGTERM"
    echo "ok      the service ended when it was told to"
}

# passes WHAT ARGUMENTS…: what `loadtest` says is shown only when it is not content.
passes() {
    local what=$1
    shift
    if target/debug/loadtest "$@" >"$work/said.log" 2>&1; then
        echo "ok      $what"
    else
        cat "$work/said.log"
        fail "$what: the caller was disappointed"
    fi
}

cargo build --locked --workspace --bins

# As it starts without any configuration, but with somebody to transfer to.
start OFFHOOK_TRANSFER_TO=+12025550123
here=http://127.0.0.1:$port
voice=(--url "$here/twilio/voice")
told=(--status-callback "$here/twilio/status")
busy=(--void-above-ms 1000)

passes "every scenario" scenarios "${voice[@]}" "${told[@]}" "${busy[@]}" --menu --at-once 6
passes "ten interrupt at once" call "${voice[@]}" "${told[@]}" "${busy[@]}" --script interrupt --count 10 \
    --wav "$work/call.wav" --first-audio-ms 500 --clear-p50-ms 300 --clear-p95-ms 500
# Nothing lost, nothing refused, everything given back. How fast is not asked here.
passes "a fleet whose calls come and go" fleet "${voice[@]}" "${told[@]}" "${busy[@]}" --calls 40 --duration 8 --churn 5 \
    --metrics "$here/metrics" --pid "$service" --lost-max 0 --missed-max-percent 10 --refused-max 0 \
    --gauges-left-max 0 --descriptors-left-max 0
stop

# As it stands on the internet, where what is not signed is refused.
public=https://voice.example.com
start ENVIRONMENT=production OFFHOOK_PUBLIC_URL="$public" TWILIO_AUTH_TOKEN=0123456789abcdef0123456789abcdef
passes "the doctor" doctor --url "http://127.0.0.1:$port/twilio/voice" --public-url "$public" \
    --auth-token 0123456789abcdef0123456789abcdef --status-callback "$public/twilio/status"
grep -q ", 0 not examined" "$work/said.log" || { cat "$work/said.log"; fail "the doctor could not examine everything"; }
stop
