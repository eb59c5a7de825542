-- Tenants and all they have. Ids are UUIDs as text, times are milliseconds since 1970, JSON is text.
-- Ids are compared byte by byte, as in SQLite and in Rust, whatever the database's locale.
-- A released file is never edited; what comes later only adds, so that the version before still runs on it.

CREATE TABLE tenants (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    plan        TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    version     BIGINT  NOT NULL
);

CREATE TABLE tenant_settings (
    tenant_id             TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES tenants (id),
    concurrent_calls_max  BIGINT,
    calls_per_second_max  BIGINT,
    recording             TEXT    NOT NULL,
    retention_days        BIGINT,
    updated_at            BIGINT  NOT NULL,
    version               BIGINT  NOT NULL
);

CREATE TABLE ai_profiles (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id   TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    is_default  BOOLEAN NOT NULL,
    content     TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    version     BIGINT  NOT NULL,
    UNIQUE (tenant_id, id)
);
CREATE UNIQUE INDEX ai_profiles_one_default ON ai_profiles (tenant_id) WHERE is_default;

-- A number can only name a profile of its own tenant.
CREATE TABLE phone_numbers (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id      TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    did_number     TEXT    NOT NULL,
    provider_type  TEXT    NOT NULL,
    is_active      BOOLEAN NOT NULL,
    profile_id     TEXT COLLATE "C",
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    version        BIGINT  NOT NULL,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, profile_id) REFERENCES ai_profiles (tenant_id, id)
);
CREATE UNIQUE INDEX phone_numbers_did_number ON phone_numbers (did_number);
CREATE INDEX phone_numbers_profile ON phone_numbers (tenant_id, profile_id);

-- The hash of a key's secret half, never the secret. An administrator's key belongs to no tenant.
CREATE TABLE api_keys (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id   TEXT COLLATE "C" REFERENCES tenants (id),
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    hash        BYTEA   NOT NULL,
    created_at  BIGINT  NOT NULL,
    revoked_at  BIGINT
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, id);

-- What the events add up to. `last_event_id` is the newest event in it. Numbers and profiles may be gone by now.
CREATE TABLE calls (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id        TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    carrier_call_id  TEXT COLLATE "C" NOT NULL,
    direction        TEXT    NOT NULL,
    from_number      TEXT    NOT NULL,
    to_number        TEXT    NOT NULL,
    phone_number_id  TEXT COLLATE "C",
    profile_id       TEXT COLLATE "C",
    state            TEXT    NOT NULL,
    started_at       BIGINT  NOT NULL,
    ended_at         BIGINT,
    ended_by         TEXT,
    quality          TEXT,
    last_event_id    TEXT COLLATE "C" NOT NULL,
    UNIQUE (tenant_id, id)
);
CREATE INDEX calls_started ON calls (tenant_id, started_at);
CREATE INDEX calls_from ON calls (tenant_id, from_number, id);
CREATE INDEX calls_to ON calls (tenant_id, to_number, id);
CREATE INDEX calls_carrier ON calls (tenant_id, carrier_call_id);
CREATE INDEX calls_unfinished ON calls (id) WHERE state NOT IN ('completed', 'refused', 'failed');

CREATE TABLE call_events (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id  TEXT COLLATE "C" NOT NULL,
    call_id    TEXT COLLATE "C" NOT NULL,
    at         BIGINT  NOT NULL,
    kind       TEXT    NOT NULL,
    data       TEXT    NOT NULL,
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX call_events_call ON call_events (tenant_id, call_id, id);

-- `answer` is NULL while the first request is under way.
CREATE TABLE idempotency_keys (
    scope        TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    tenant_id    TEXT COLLATE "C" NOT NULL,
    fingerprint  TEXT    NOT NULL,
    answer       TEXT,
    created_at   BIGINT  NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- `before` and `after` are reserved in other dialects.
CREATE TABLE audit_log (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    actor         TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    value_before  TEXT,
    value_after   TEXT,
    at            BIGINT  NOT NULL
);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);

-- One row: raised by every change that the directory shows.
CREATE TABLE directory_version (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    version  BIGINT  NOT NULL
);
INSERT INTO directory_version (one, version) VALUES (1, 1);
