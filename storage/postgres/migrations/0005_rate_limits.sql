-- Rate limits: the buckets that replicas share, what operators set for a tenant, and when sending
-- domains began. Numbers in scope are those of model/rate_limit.h.

-- One row a bucket; tenant_id 0: shared by all tenants. `state` is written and read by
-- model/rate_bucket. A bucket past its idle_time is as good as none and is deleted.
CREATE TABLE herald.rate_buckets (
  tenant_id  bigint NOT NULL,
  scope      smallint NOT NULL CHECK (scope BETWEEN 1 AND 8),
  bucket_key text NOT NULL,
  state      bigint[] NOT NULL DEFAULT '{}',
  idle_time  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, scope, bucket_key),
  CHECK (tenant_id <> 0 OR scope IN (6, 7))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

-- Rate 0 and count 0: the service's default. A row is replaced, never deleted: readers ask for what
-- changed since.
CREATE TABLE herald.tenant_limits (
  tenant_id               bigint PRIMARY KEY,
  ingest_rate             float8 NOT NULL CHECK (ingest_rate >= 0),
  ingest_burst            integer NOT NULL CHECK (ingest_burst >= 0),
  send_rate               float8 NOT NULL CHECK (send_rate >= 0),
  send_burst              integer NOT NULL CHECK (send_burst >= 0),
  recipient_domain_rate   float8 NOT NULL CHECK (recipient_domain_rate >= 0),
  recipient_domain_burst  integer NOT NULL CHECK (recipient_domain_burst >= 0),
  warm_up                 boolean,
  categories              text[] NOT NULL,
  category_rates          float8[] NOT NULL,
  category_bursts         integer[] NOT NULL,
  category_user_counts    integer[] NOT NULL,
  category_user_windows   float8[] NOT NULL,  -- seconds
  update_time             timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (cardinality(categories) = cardinality(category_rates)
     AND cardinality(categories) = cardinality(category_bursts)
     AND cardinality(categories) = cardinality(category_user_counts)
     AND cardinality(categories) = cardinality(category_user_windows))
);
CREATE INDEX tenant_limits_changed ON herald.tenant_limits (update_time);

CREATE TABLE herald.sender_warm_ups (
  tenant_id     bigint NOT NULL,
  sender_domain text NOT NULL,
  start_time    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, sender_domain)
);

-- The limits whose slots a parked email holds, as fingerprints of their buckets; NULL: none.
ALTER TABLE herald.queue ADD COLUMN slots_held bigint[];

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['rate_buckets', 'tenant_limits', 'sender_warm_ups'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON herald.rate_buckets, herald.tenant_limits,
  herald.sender_warm_ups TO herald_engine;
GRANT SELECT, INSERT, UPDATE ON herald.rate_buckets TO herald_api;
GRANT SELECT ON herald.tenant_limits, herald.sender_warm_ups TO herald_api;
