-- Tenants and all they have. Ids are UUIDs as text, times are milliseconds since 1970, JSON is text.
-- A released file is never edited; what comes later only adds, so that the version before still runs on it.

CREATE TABLE tenants (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    plan        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT;

CREATE TABLE tenant_settings (
    tenant_id             TEXT    NOT NULL PRIMARY KEY REFERENCES tenants (id),
    concurrent_calls_max  INTEGER,
    calls_per_second_max  INTEGER,
    recording             TEXT    NOT NULL,
    retention_days        INTEGER,
    updated_at            INTEGER NOT NULL,
    version               INTEGER NOT NULL
) STRICT;

CREATE TABLE ai_profiles (
    id          TEXT    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
    is_default  INTEGER NOT NULL,
    content     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX ai_profiles_one_default ON ai_profiles (tenant_id) WHERE is_default;

-- A number can only name a profile of its own tenant.
CREATE TABLE phone_numbers (
    id             TEXT    NOT NULL PRIMARY KEY,
    tenant_id      TEXT    NOT NULL REFERENCES tenants (id),
    did_number     TEXT    NOT NULL,
    provider_type  TEXT    NOT NULL,
    is_active      INTEGER NOT NULL,
    profile_id     TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, profile_id) REFERENCES ai_profiles (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX phone_numbers_did_number ON phone_numbers (did_number);
CREATE INDEX phone_numbers_profile ON phone_numbers (tenant_id, profile_id);

-- The hash of a key's secret half, never the secret. An administrator's key belongs to no tenant.
CREATE TABLE api_keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    REFERENCES tenants (id),
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, id);

-- What the events add up to. `last_event_id` is the newest event in it. Numbers and profiles may be gone by now.
CREATE TABLE calls (
    id               TEXT    NOT NULL PRIMARY KEY,
    tenant_id        TEXT    NOT NULL REFERENCES tenants (id),
    carrier_call_id  TEXT    NOT NULL,
    direction        TEXT    NOT NULL,
    from_number      TEXT    NOT NULL,
    to_number        TEXT    NOT NULL,
    phone_number_id  TEXT,
    profile_id       TEXT,
    state            TEXT    NOT NULL,
    started_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    ended_by         TEXT,
    quality          TEXT,
    last_event_id    TEXT    NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE INDEX calls_started ON calls (tenant_id, started_at);
CREATE INDEX calls_from ON calls (tenant_id, from_number, id);
CREATE INDEX calls_to ON calls (tenant_id, to_number, id);
CREATE INDEX calls_carrier ON calls (tenant_id, carrier_call_id);
CREATE INDEX calls_unfinished ON calls (id) WHERE state NOT IN ('completed', 'refused', 'failed');

CREATE TABLE call_events (
    id         TEXT    NOT NULL PRIMARY KEY,
    tenant_id  TEXT    NOT NULL,
    call_id    TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    data       TEXT    NOT NULL,
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX call_events_call ON call_events (tenant_id, call_id, id);

-- `answer` is NULL while the first request is under way.
CREATE TABLE idempotency_keys (
    scope        TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    tenant_id    TEXT    NOT NULL,
    fingerprint  TEXT    NOT NULL,
    answer       TEXT,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- `before` and `after` are reserved in other dialects.
CREATE TABLE audit_log (
    id            TEXT    NOT NULL PRIMARY KEY,
    tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
    actor         TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    value_before  TEXT,
    value_after   TEXT,
    at            INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);

-- One row: raised by every change that the directory shows.
CREATE TABLE directory_version (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version  INTEGER NOT NULL
) STRICT;
INSERT INTO directory_version (one, version) VALUES (1, 1);
