#!/usr/bin/env bash
# Fills a fresh SQLite database with tenants that have a hundred numbers each, for measurements: straight into the
# tables, because a hundred thousand requests to the API take minutes. The service must not be running.
#   scripts/seed-numbers.sh DATABASE [COUNT] [FIRST]        such as: offhook-data/offhook.db 100000 15550000000
set -euo pipefail

database=${1:?name the database: seed-numbers.sh offhook-data/offhook.db [COUNT] [FIRST]}
count=${2:-100000}
first=${3:-15550000000}
if ! [[ $count =~ ^[0-9]+$ && $first =~ ^[0-9]{7,15}$ ]]; then
    echo "seed-numbers.sh: COUNT is a number; FIRST is one of 7 to 15 digits, without +" >&2
    exit 2
fi
command -v sqlite3 >/dev/null || { echo "seed-numbers.sh: needs sqlite3: apt-get install sqlite3" >&2; exit 1; }
[[ -f $database ]] || { echo "seed-numbers.sh: $database is not there: offhook migrate makes it" >&2; exit 1; }

# Ids are UUIDs of version 7 in form: a fixed time, the kind, and the number of the row.
id() {
    printf "printf('01890000-0000-7%03x-8000-%%012x', %s)" "$1" "$2"
}

sqlite3 -bail "$database" <<SQL
.timeout 5000
PRAGMA foreign_keys = ON;
BEGIN IMMEDIATE;
CREATE TEMP TABLE seeds AS
    WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < $count) SELECT n FROM n;
CREATE TEMP TABLE owners AS SELECT DISTINCT n / 100 AS n FROM seeds;
INSERT INTO tenants SELECT $(id 1 n), 'Tenant ' || n, 'active', 'growth', 1767225600000, 1767225600000, 1 FROM owners;
INSERT INTO ai_profiles
    SELECT $(id 2 n), $(id 1 n), 1,
        json_object('name', 'Front desk', 'role', 'receptionist', 'system_prompt', 'Be kind.', 'is_default', json('true')),
        1767225600000, 1767225600000, 1
    FROM owners;
INSERT INTO phone_numbers
    SELECT $(id 3 n), $(id 1 'n / 100'), '+' || ($first + n), 'twilio', 1, NULL, 1767225600000, 1767225600000, 1 FROM seeds;
COMMIT;
SELECT count(*) || ' numbers of ' || count(DISTINCT tenant_id) || ' tenants' FROM phone_numbers;
SQL
