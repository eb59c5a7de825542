#!/usr/bin/env bash
# A throw-away PostgreSQL from Debian's package: on a free port of this machine, in a directory that is gone with it.
#   scripts/postgres.sh COMMAND…   runs the command with OFFHOOK_TEST_POSTGRES_URL set, then stops the database
#   scripts/postgres.sh            prints its URL and keeps it until Ctrl-C
# Works as root too: PostgreSQL itself refuses to, so it then runs as the user that the package made.
set -euo pipefail

fail() {
    printf 'postgres.sh: %s\n' "$*" >&2
    exit 1
}

# The newest of those that are here.
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[[ -n $bin ]] || ! command -v postgres >/dev/null || bin=$(dirname "$(command -v postgres)")
[[ -n $bin ]] || fail "needs PostgreSQL: apt-get install postgresql"

as_postgres=()
if ((EUID == 0)); then
    id postgres >/dev/null 2>&1 || fail "as root it needs the user postgres: apt-get install postgresql"
    as_postgres=(runuser -u postgres --)
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/offhook-postgres.XXXXXX")
((EUID != 0)) || chown postgres "$dir"

stop() {
    "${as_postgres[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$dir"
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '%s' "$password" | "${as_postgres[@]}" tee "$dir/password" >/dev/null
"${as_postgres[@]}" "$bin/initdb" -D "$dir/data" -U offhook --pwfile="$dir/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }

# Another program may take a port between the look and the start: then another is tried.
for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 20000))
    if "${as_postgres[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 30 start \
        -o "-p $port -k $dir -h 127.0.0.1 -c max_connections=300" >/dev/null 2>&1; then
        url="postgres://offhook:$password@127.0.0.1:$port/postgres"
        break
    fi
done
[[ -n ${url:-} ]] || { cat "$dir/log" >&2; fail "PostgreSQL does not start"; }
cd "$OLDPWD"

if (($# > 0)); then
    OFFHOOK_TEST_POSTGRES_URL=$url "$@"
else
    echo "$url"
    echo "postgres.sh: up; Ctrl-C stops it" >&2
    sleep infinity &
    wait $!
fi
