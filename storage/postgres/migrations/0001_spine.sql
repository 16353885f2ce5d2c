-- The spine: tenants, templates, emails, queue, timeline. Every tenant-owned table's keys begin
-- with tenant_id and no foreign key crosses tenants. Numbers in state, lane, type and outcome
-- columns are those of model/*.h.

-- A moment as callers of the database read it: whole microseconds since 1970, whatever TimeZone and
-- DateStyle say.
CREATE FUNCTION herald.micros(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT
  PARALLEL SAFE AS $$ SELECT (extract(epoch FROM $1) * 1000000)::bigint $$;

CREATE SEQUENCE herald.node_seq MINVALUE 0 MAXVALUE 4095 START 0 CYCLE;
CREATE SEQUENCE herald.lease_token_seq;
CREATE SEQUENCE herald.event_seq CACHE 100;

CREATE TABLE herald.tenants (
  tenant_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slug           text NOT NULL UNIQUE,
  display_name   text NOT NULL,
  sender_domains text[] NOT NULL,
  suspended      boolean NOT NULL DEFAULT false,
  create_time    timestamptz NOT NULL DEFAULT now()
);

-- Keys of a tenant, wrapped by a master key that is not in the database. Deleting them erases the
-- tenant's addresses and contents.
CREATE TABLE herald.tenant_keys (
  tenant_id     bigint NOT NULL,
  key_id        integer NOT NULL,
  purpose       smallint NOT NULL CHECK (purpose IN (1, 2)),  -- 1 sealing, 2 look-up
  master_key_id text NOT NULL,
  wrapped       bytea NOT NULL,
  create_time   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key_id)
);

CREATE TABLE herald.api_tokens (
  tenant_id          bigint NOT NULL,
  token_id           bigint GENERATED ALWAYS AS IDENTITY,
  display_name       text NOT NULL,
  mode               smallint NOT NULL CHECK (mode IN (1, 2, 3)),
  scopes             integer NOT NULL,
  secret_hash        bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
  allowed_recipients text[] NOT NULL DEFAULT '{}',
  create_time        timestamptz NOT NULL DEFAULT now(),
  expire_time        timestamptz,
  revoke_time        timestamptz,
  PRIMARY KEY (tenant_id, token_id),
  CHECK (mode = 3 OR allowed_recipients = '{}')
);
CREATE INDEX api_tokens_by_id ON herald.api_tokens (token_id);

CREATE TABLE herald.audit_entries (
  audit_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   bigint,
  actor       text NOT NULL,
  action      text NOT NULL,
  target      text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_entries_by_tenant ON herald.audit_entries (tenant_id, audit_id);

CREATE TABLE herald.templates (
  tenant_id         bigint NOT NULL,
  template_key      text NOT NULL,
  display_name      text NOT NULL,
  published_version integer NOT NULL DEFAULT 0,
  latest_version    integer NOT NULL,
  create_time       timestamptz NOT NULL DEFAULT now(),
  update_time       timestamptz NOT NULL DEFAULT now(),
  delete_time       timestamptz,
  PRIMARY KEY (tenant_id, template_key),
  CHECK (published_version BETWEEN 0 AND latest_version)
);

CREATE TABLE herald.template_versions (
  tenant_id    bigint NOT NULL,
  template_key text NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  subject      text NOT NULL,
  html         text NOT NULL,
  text         text NOT NULL,
  variables    text NOT NULL,
  create_time  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, template_key, version)
);

-- An email's summary. SENDING (3) is never stored: it is an open attempt.
CREATE TABLE herald.emails (
  tenant_id        bigint NOT NULL,
  email_id         bigint NOT NULL,
  state            smallint NOT NULL CHECK (state IN (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)),
  lane             smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  test             boolean NOT NULL,
  template_version integer NOT NULL,
  redrives         smallint NOT NULL DEFAULT 0,
  send_time        timestamptz,
  expire_time      timestamptz NOT NULL,
  create_time      timestamptz NOT NULL,
  update_time      timestamptz NOT NULL,
  state_reason     text NOT NULL DEFAULT '',
  category         text NOT NULL,
  template_key     text NOT NULL,
  user_id          text NOT NULL,
  from_address     text NOT NULL,
  from_name        text NOT NULL,
  idempotency_key  text NOT NULL,
  metadata         text NOT NULL,
  traceparent      text NOT NULL,
  recipient_hash   bytea NOT NULL,
  recipient_sealed bytea NOT NULL,
  PRIMARY KEY (tenant_id, email_id),
  CHECK ((template_key = '') = (template_version = 0))
) WITH (fillfactor = 80);
CREATE INDEX emails_by_recipient ON herald.emails (tenant_id, recipient_hash, email_id);
CREATE INDEX emails_by_user ON herald.emails (tenant_id, user_id, email_id) WHERE user_id <> '';

-- What it says, sealed; immutable; may be dropped earlier than the summary.
CREATE TABLE herald.email_contents (
  tenant_id      bigint NOT NULL,
  email_id       bigint NOT NULL,
  content_sealed bytea NOT NULL,
  PRIMARY KEY (tenant_id, email_id)
);
ALTER TABLE herald.email_contents ALTER COLUMN content_sealed SET STORAGE EXTERNAL;

CREATE TABLE herald.idempotency_keys (
  tenant_id       bigint NOT NULL,
  idempotency_key text NOT NULL,
  request_hash    bytea NOT NULL CHECK (octet_length(request_hash) = 32),
  email_id        bigint NOT NULL,
  expire_time     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, idempotency_key)
);

-- Unfinished emails only; a row leaves when its email is finished. Narrow, hot, vacuumed eagerly.
CREATE TABLE herald.queue (
  tenant_id          bigint NOT NULL,
  email_id           bigint NOT NULL,
  lane               smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  claims             smallint NOT NULL DEFAULT 0,
  attempts           smallint NOT NULL DEFAULT 0,
  run_at             timestamptz NOT NULL,
  expire_time        timestamptz NOT NULL,
  lease_until        timestamptz,
  lease_token        bigint NOT NULL DEFAULT 0,
  unconfirmed_time   timestamptz,
  unconfirmed_account text,
  unconfirmed_digest bytea,
  PRIMARY KEY (tenant_id, email_id),
  CHECK ((lease_until IS NULL) = (lease_token = 0)),
  CHECK ((unconfirmed_time IS NULL) = (unconfirmed_account IS NULL)
     AND (unconfirmed_time IS NULL) = (unconfirmed_digest IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0);
CREATE INDEX queue_due ON herald.queue (lane, run_at, email_id) WHERE lease_until IS NULL;
CREATE INDEX queue_leased ON herald.queue (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX queue_expiring ON herald.queue (expire_time);

-- One hand-over each, inserted and committed before it begins.
CREATE TABLE herald.attempts (
  tenant_id           bigint NOT NULL,
  email_id            bigint NOT NULL,
  attempt             smallint NOT NULL CHECK (attempt > 0),
  outcome             smallint CHECK (outcome BETWEEN 1 AND 5),
  begin_time          timestamptz NOT NULL,
  end_time            timestamptz,
  lease_token         bigint NOT NULL,
  account             text NOT NULL,
  request_digest      bytea NOT NULL,
  provider_message_id text NOT NULL DEFAULT '',
  error_code          text NOT NULL DEFAULT '',
  detail              text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, email_id, attempt),
  CHECK ((outcome IS NULL) = (end_time IS NULL))
) WITH (fillfactor = 80);
-- Set after the insert, so not HOT: the price of finding an email by the provider's id.
CREATE INDEX attempts_by_message ON herald.attempts (provider_message_id, account)
  WHERE provider_message_id <> '';

-- The timeline after acceptance, append-only. `event_key` is the provider's event id, or
-- "<attempt>:<type>" for Herald's own: the primary key removes duplicates. `xact` and `seq` order
-- the feed; readers stay below the snapshot's xmin.
CREATE TABLE herald.email_events (
  tenant_id           bigint NOT NULL,
  email_id            bigint NOT NULL,
  event_key           text NOT NULL,
  xact                xid8 NOT NULL DEFAULT pg_current_xact_id(),
  seq                 bigint NOT NULL DEFAULT nextval('herald.event_seq'),
  type                smallint NOT NULL,
  bounce_class        smallint NOT NULL DEFAULT 0,
  attempt             smallint NOT NULL DEFAULT 0,
  event_time          timestamptz NOT NULL,
  record_time         timestamptz NOT NULL DEFAULT clock_timestamp(),
  retry_time          timestamptz,
  account             text NOT NULL DEFAULT '',
  provider_message_id text NOT NULL DEFAULT '',
  reason              text NOT NULL DEFAULT '',
  detail              text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, email_id, event_key)
);
CREATE INDEX email_events_feed ON herald.email_events (tenant_id, xact, seq);

CREATE TABLE herald.suppressions (
  tenant_id       bigint NOT NULL,
  address_hash    bytea NOT NULL,
  reason          text NOT NULL CHECK (reason IN ('hard_bounce', 'complaint', 'unsubscribe',
                                                  'manual', 'soft_bounce_limit', 'provider')),
  source          text NOT NULL,       -- provider account, or the actor
  source_email_id bigint,              -- the address can be opened there
  create_time     timestamptz NOT NULL DEFAULT now(),
  expire_time     timestamptz,
  PRIMARY KEY (tenant_id, address_hash)
);

-- Tenants of the running transaction: 'herald.tenant_id' holds one id, or a list while a group of
-- several tenants' emails is accepted. Unset: none, so that a forgotten setting shows nothing.
CREATE FUNCTION herald.current_tenants() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(nullif(current_setting('herald.tenant_id', true), ''), ',')::bigint[] $$;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenant_keys', 'api_tokens', 'templates', 'template_versions', 'emails',
                           'email_contents', 'idempotency_keys', 'queue', 'attempts',
                           'email_events', 'suppressions', 'audit_entries', 'tenants'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA herald TO herald_api, herald_engine;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA herald TO herald_api, herald_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA herald TO herald_engine;
REVOKE UPDATE, DELETE ON herald.audit_entries FROM herald_engine;
REVOKE INSERT, UPDATE, DELETE ON herald.schema_migrations FROM herald_engine;

GRANT SELECT ON herald.tenants, herald.tenant_keys, herald.api_tokens, herald.templates,
  herald.template_versions, herald.emails, herald.email_contents, herald.idempotency_keys,
  herald.queue, herald.attempts, herald.email_events, herald.suppressions,
  herald.audit_entries TO herald_api;
GRANT INSERT ON herald.templates, herald.template_versions, herald.emails, herald.email_contents,
  herald.idempotency_keys, herald.queue, herald.email_events, herald.audit_entries TO herald_api;
GRANT UPDATE ON herald.templates, herald.emails, herald.idempotency_keys, herald.queue
  TO herald_api;
GRANT DELETE ON herald.queue TO herald_api;
