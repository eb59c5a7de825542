#!/usr/bin/env bash
# Throws requests of every kind at a fresh service, made from its own /openapi.json, and checks every answer against it.
# Usage: scripts/schemathesis.sh [how many requests per operation] [more options of schemathesis]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

examples=${1:-100}
shift || true
key=offhook-development-key
venv=target/schemathesis
data=$(mktemp -d)
server=

stop() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    rm -rf "$data"
}
trap stop EXIT

if [[ ! -x $venv/bin/schemathesis ]]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'schemathesis>=4.32,<5'
fi
cargo build --quiet --locked --package offhook

: >"$data/log"
ENVIRONMENT=development OFFHOOK_LISTEN=127.0.0.1:0 OFFHOOK_DATA_DIR=$data \
    "${CARGO_TARGET_DIR:-target}/debug/offhook" >"$data/log" 2>&1 &
server=$!
url=
for ((tries = 0; tries < 100; tries++)); do
    url=$(sed -n 's/^ *listening on *\(http[^ ]*\).*/\1/p' "$data/log")
    [[ -z $url ]] || break
    sleep 0.1
done
[[ -n $url ]] || { cat "$data/log" >&2; exit 1; }

# A call of the tenant that is always there, for the operations on calls.
tenant=00000000-0000-7000-8000-000000000000
curl --silent --fail --output /dev/null "$url/twilio/voice" --data CallSid=CA0123456789abcdef0123456789abcdef \
    --data AccountSid=AC0123456789abcdef0123456789abcdef --data From=+15551234567 --data To=+15557654321
call=$(curl --silent --fail "$url/api/tenants/$tenant/calls" --header "Authorization: Bearer $key" |
    sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
{
    cat scripts/schemathesis.toml
    printf '\n[[operations]]\ninclude-path-regex = "/calls/"\nparameters = { tenant_id = "%s", call_id = "%s" }\n' \
        "$tenant" "${call:?no call}"
} >"$data/schemathesis.toml"

status=0
"$venv/bin/schemathesis" --config-file "$data/schemathesis.toml" run "$url/openapi.json" \
    --header "Authorization: Bearer $key" --max-examples "$examples" --continue-on-failure "$@" || status=$?
# What the service thought of it: an error here is a mistake of ours, whatever was answered.
if grep -E ' (ERROR|panicked)' "$data/log"; then
    echo "the service logged errors" >&2
    status=1
fi
kill -0 "$server" || { echo "the service died" >&2; status=1; }
exit "$status"
