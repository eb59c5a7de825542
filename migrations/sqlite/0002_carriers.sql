-- Carriers, calls that we place, and whom they are placed to. Only adds: the version before still runs on it.

-- `carrier_call_id` is '' until the carrier has named the call. `details` is an object: metadata, who answered, the
-- carrier's error and figures.
ALTER TABLE calls ADD COLUMN provider_type TEXT NOT NULL DEFAULT 'generic';
ALTER TABLE calls ADD COLUMN contact_id TEXT;
ALTER TABLE calls ADD COLUMN campaign_id TEXT;
ALTER TABLE calls ADD COLUMN answered_at INTEGER;
ALTER TABLE calls ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
CREATE INDEX calls_sid ON calls (carrier_call_id) WHERE carrier_call_id <> '';
CREATE INDEX calls_contact ON calls (tenant_id, contact_id, id) WHERE contact_id IS NOT NULL;
-- The minutes that a tenant has called.
CREATE INDEX calls_minutes ON calls (tenant_id, answered_at, ended_at)
    WHERE direction = 'outbound' AND answered_at IS NOT NULL;
CREATE INDEX calls_open ON calls (id)
    WHERE state NOT IN ('completed', 'refused', 'failed', 'busy', 'no_answer', 'canceled');

-- What the carrier reports has a key of the carrier's, such as CA…:3; the same report twice is one event.
ALTER TABLE call_events ADD COLUMN carrier_key TEXT;
CREATE UNIQUE INDEX call_events_carrier_key ON call_events (carrier_key) WHERE carrier_key IS NOT NULL;

-- NULL: the country of the number that calls; no bound; calls may be placed.
ALTER TABLE tenant_settings ADD COLUMN dial_prefixes TEXT;
ALTER TABLE tenant_settings ADD COLUMN minutes_per_day_max INTEGER;
ALTER TABLE tenant_settings ADD COLUMN outbound_stopped INTEGER NOT NULL DEFAULT 0;

-- A tenant's own account at a carrier. `credentials` are so many tokens, encrypted, bound to
-- tenant and id; `key_id` says with which key.
CREATE TABLE provider_configs (
    id                    TEXT NOT NULL PRIMARY KEY,
    tenant_id             TEXT NOT NULL REFERENCES tenants (id),
    provider_type         TEXT    NOT NULL,
    name                  TEXT    NOT NULL,
    account_id            TEXT NOT NULL,
    outbound_number       TEXT,
    max_concurrent_calls  INTEGER,
    credentials           BLOB    NOT NULL,
    tokens                INTEGER  NOT NULL,
    key_id                TEXT    NOT NULL,
    created_at            INTEGER  NOT NULL,
    updated_at            INTEGER  NOT NULL,
    version               INTEGER  NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX provider_configs_account ON provider_configs (account_id);
CREATE UNIQUE INDEX provider_configs_one ON provider_configs (tenant_id, provider_type);

-- What a number was at the carrier before it was pointed here: an object, put back when it is taken away.
ALTER TABLE phone_numbers ADD COLUMN carrier_before TEXT;

CREATE TABLE contacts (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenants (id),
    phone_number  TEXT    NOT NULL,
    name          TEXT,
    state         TEXT    NOT NULL,
    metadata      TEXT    NOT NULL,
    last_call_id  TEXT,
    created_at    INTEGER  NOT NULL,
    updated_at    INTEGER  NOT NULL,
    version       INTEGER  NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX contacts_phone_number ON contacts (tenant_id, phone_number);

-- One row per call that was placed to a contact. Its state is the call's, and it goes with it.
CREATE TABLE call_attempts (
    id           TEXT NOT NULL PRIMARY KEY,
    tenant_id    TEXT NOT NULL,
    contact_id   TEXT NOT NULL,
    campaign_id  TEXT,
    call_id      TEXT NOT NULL,
    state        TEXT    NOT NULL,
    started_at   INTEGER  NOT NULL,
    ended_at     INTEGER,
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX call_attempts_call ON call_attempts (tenant_id, call_id);
CREATE INDEX call_attempts_contact ON call_attempts (tenant_id, contact_id, id);
