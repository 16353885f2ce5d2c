-- Whom a tenant may not write to: categories, preferences and suppressions. The gate that asks them
-- is storage/postgres/audience_gate_sql.h.

-- What an email is about. A row that was deleted still binds: deleting a marketing category must
-- not turn what is queued of it into transactional mail.
CREATE TABLE herald.categories (
  tenant_id    bigint NOT NULL,
  category     text NOT NULL CHECK (category ~ '^[a-z0-9][a-z0-9_.-]{0,63}$'),
  display_name text NOT NULL,
  description  text NOT NULL,
  marketing    boolean NOT NULL,
  default_in   boolean NOT NULL,
  create_time  timestamptz NOT NULL DEFAULT now(),
  update_time  timestamptz NOT NULL DEFAULT now(),
  delete_time  timestamptz,
  PRIMARY KEY (tenant_id, category)
);

-- One choice of an address (by its look-up hash) or of a user, for one category. Category '' is all
-- marketing, which a user can only leave; for an address that is a suppression, 'unsubscribe'.
CREATE TABLE herald.preferences (
  tenant_id    bigint NOT NULL,
  address_hash bytea NOT NULL DEFAULT '',
  user_id      text NOT NULL DEFAULT '',
  category     text NOT NULL,
  opted_in     boolean NOT NULL,
  source       text NOT NULL,
  update_time  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, address_hash, user_id, category),
  CHECK ((address_hash = '') <> (user_id = '')),
  CHECK (category <> '' OR (NOT opted_in AND user_id <> ''))
);

-- An address has at most two suppressions: one that stops every email, and its owner's unsubscribe,
-- which stops marketing and outlives the other.
CREATE SEQUENCE herald.suppression_seq;
ALTER TABLE herald.suppressions
  ADD COLUMN marketing_only boolean NOT NULL GENERATED ALWAYS AS (reason = 'unsubscribe') STORED,
  ADD COLUMN suppression_id bigint NOT NULL DEFAULT nextval('herald.suppression_seq'),
  -- As the source email's recipient is sealed, or in the suppression's own place; NULL: unknown.
  ADD COLUMN address_sealed bytea,
  DROP CONSTRAINT suppressions_pkey,
  ADD PRIMARY KEY (tenant_id, address_hash, marketing_only);
CREATE UNIQUE INDEX suppressions_by_id ON herald.suppressions (tenant_id, suppression_id);
UPDATE herald.suppressions s SET address_sealed = e.recipient_sealed
FROM herald.emails e WHERE e.tenant_id = s.tenant_id AND e.email_id = s.source_email_id;

-- The operators' own, for every tenant. `address_mark` is the first eight bytes of an HMAC under a
-- key of the service: it is computed anew for every email and stored with none, so that no column
-- links one tenant's recipients to another's.
CREATE TABLE herald.global_suppressions (
  address_mark   bigint PRIMARY KEY,
  suppression_id bigint NOT NULL UNIQUE DEFAULT nextval('herald.suppression_seq'),
  reason         text NOT NULL CHECK (reason IN ('hard_bounce', 'complaint', 'manual', 'provider')),
  source         text NOT NULL,
  address_sealed bytea NOT NULL,
  create_time    timestamptz NOT NULL DEFAULT now(),
  expire_time    timestamptz
);

-- Days on which mail to an address came back for the moment, since its last delivery.
CREATE TABLE herald.soft_bounces (
  tenant_id    bigint NOT NULL,
  address_hash bytea NOT NULL,
  day          date NOT NULL,
  PRIMARY KEY (tenant_id, address_hash, day)
);

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['categories', 'preferences', 'soft_bounces'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;
ALTER TABLE herald.global_suppressions ENABLE ROW LEVEL SECURITY;
ALTER TABLE herald.global_suppressions FORCE ROW LEVEL SECURITY;
-- The gate of acceptance asks for one mark at a time; addresses stay the operators'.
CREATE POLICY gate ON herald.global_suppressions FOR SELECT TO herald_api USING (true);
CREATE POLICY engine ON herald.global_suppressions TO herald_engine USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON herald.categories, herald.preferences,
  herald.global_suppressions, herald.soft_bounces TO herald_engine;
GRANT USAGE ON SEQUENCE herald.suppression_seq TO herald_api, herald_engine;
GRANT SELECT, INSERT, UPDATE ON herald.categories TO herald_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON herald.preferences, herald.suppressions TO herald_api;
GRANT SELECT (address_mark, reason, expire_time) ON herald.global_suppressions TO herald_api;
