-- Contacts and segments.

-- Lets a GIN index begin with the tenant.
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA herald;

-- Whom a tenant may write to. The creation time is in the id. Address and name are sealed, bound to
-- the address's hash, since an import seals before it knows which contact a row becomes. What filters
-- ask for is readable. A deleted contact leaves its id and times behind: campaigns refer to them.
CREATE TABLE herald.contacts (
  tenant_id    bigint NOT NULL,
  contact_id   bigint NOT NULL,
  address_hash bytea CHECK (octet_length(address_hash) = 32),
  email_sealed bytea,
  name_sealed  bytea,                 -- NULL: no name
  user_id      text NOT NULL DEFAULT '',
  locale       text NOT NULL DEFAULT '',
  time_zone    text NOT NULL DEFAULT '',
  tags         text[] NOT NULL DEFAULT '{}',
  attributes   jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'
                                                     AND pg_column_size(attributes) <= 65536),
  state        smallint NOT NULL CHECK (state IN (1, 2)),
  update_time  timestamptz NOT NULL DEFAULT now(),
  delete_time  timestamptz,
  PRIMARY KEY (tenant_id, contact_id),
  -- Also the order in which a sample of contacts is drawn.
  UNIQUE (tenant_id, address_hash),
  CHECK ((delete_time IS NULL) = (address_hash IS NOT NULL)
     AND (delete_time IS NULL) = (email_sealed IS NOT NULL)),
  CHECK (delete_time IS NULL
         OR (name_sealed IS NULL AND user_id = '' AND locale = '' AND time_zone = ''
             AND tags = '{}' AND attributes = '{}'))
) WITH (fillfactor = 90);
-- A query reads what waits in the pending list one by one: keep it short.
CREATE INDEX contacts_by_label ON herald.contacts
  USING gin (tenant_id, tags, attributes jsonb_path_ops) WITH (gin_pending_list_limit = 512)
  WHERE delete_time IS NULL;
CREATE INDEX contacts_by_user ON herald.contacts (tenant_id, user_id) WHERE user_id <> '';

CREATE TABLE herald.segments (
  tenant_id    bigint NOT NULL,
  segment_key  text NOT NULL,
  display_name text NOT NULL,
  filter       text NOT NULL CHECK (filter <> ''),
  create_time  timestamptz NOT NULL DEFAULT now(),
  update_time  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, segment_key)
);

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['contacts', 'segments'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON herald.contacts, herald.segments TO herald_engine;
GRANT SELECT, INSERT, UPDATE ON herald.contacts TO herald_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON herald.segments TO herald_api;
