-- Which row a key refers to is found by (tenant_id, id). PostgreSQL plans that look-up once per connection, maybe while
-- the table is empty and every index that begins with tenant_id looks equally good; with one of these it then reads all
-- that the tenant has, for each row written, until statistics come. With a condition that such a look-up does not
-- state, and every query for that column does, they are no choice for it.
DROP INDEX calls_started;
DROP INDEX calls_from;
DROP INDEX calls_to;
DROP INDEX contacts_phone_number;
CREATE INDEX calls_started ON calls (tenant_id, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX calls_from ON calls (tenant_id, from_number, id) WHERE from_number IS NOT NULL;
CREATE INDEX calls_to ON calls (tenant_id, to_number, id) WHERE to_number IS NOT NULL;
CREATE UNIQUE INDEX contacts_phone_number ON contacts (tenant_id, phone_number) WHERE phone_number IS NOT NULL;

-- calls_sid and calls_open have taken their place.
DROP INDEX calls_carrier;
DROP INDEX calls_unfinished;
