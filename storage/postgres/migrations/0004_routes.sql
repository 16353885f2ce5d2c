-- Provider accounts' health, shared by all replicas, and tenants' own routes.

-- free_attempts use up no retry budget. tried_accounts: names, separated by commas, of those that
-- just failed the email; empty unless another is to take it at once.
ALTER TABLE herald.queue
  ADD COLUMN free_attempts smallint NOT NULL DEFAULT 0 CHECK (free_attempts >= 0),
  ADD COLUMN tried_accounts text NOT NULL DEFAULT '';

-- Of the service itself, so without a tenant. States are those of storage::BreakerState.
CREATE TABLE herald.provider_accounts (
  account        text PRIMARY KEY,
  state          smallint NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 3)),
  reason         text NOT NULL DEFAULT '',
  opens          integer NOT NULL DEFAULT 0,
  since          timestamptz NOT NULL DEFAULT now(),
  until          timestamptz NOT NULL DEFAULT now(),
  prober         text NOT NULL DEFAULT '',
  revision       bigint NOT NULL DEFAULT 0,
  pause_until    timestamptz NOT NULL DEFAULT now(),
  disabled       boolean NOT NULL DEFAULT false,
  disable_reason text NOT NULL DEFAULT '',
  disabled_by    text NOT NULL DEFAULT '',
  disable_time   timestamptz,
  CHECK ((state = 3) = (prober <> '')),
  CHECK (disabled = (disable_time IS NOT NULL) AND (disabled OR disable_reason = ''))
) WITH (fillfactor = 50);

-- Calls by quarter of a second since 1970, by the breaker's revision at their beginning and by how
-- long they took. Kept for a minute.
CREATE TABLE herald.account_calls (
  account       text NOT NULL,
  slot          bigint NOT NULL,
  revision      bigint NOT NULL,
  latency_class smallint NOT NULL,
  calls         integer NOT NULL,
  failures      integer NOT NULL CHECK (failures BETWEEN 0 AND calls),
  total_ms      bigint NOT NULL,
  PRIMARY KEY (account, slot, revision, latency_class)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);

CREATE TABLE herald.tenant_routes (
  tenant_id  bigint NOT NULL,
  lane       smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  position   smallint NOT NULL CHECK (position > 0),
  account    text NOT NULL,
  step_order integer NOT NULL CHECK (step_order BETWEEN 0 AND 10000),
  cost       integer NOT NULL CHECK (cost BETWEEN 0 AND 10000),
  weight     integer NOT NULL CHECK (weight BETWEEN 1 AND 10000),
  PRIMARY KEY (tenant_id, lane, position)
);

CREATE TABLE herald.tenant_lanes (
  tenant_id          bigint NOT NULL,
  lane               smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  resend_unconfirmed boolean NOT NULL,
  PRIMARY KEY (tenant_id, lane)
);

-- One row; grows with every change of a tenant's routes, so that replicas read them only then.
CREATE TABLE herald.route_version (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  version   bigint NOT NULL
);
INSERT INTO herald.route_version (version) VALUES (0);

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenant_routes', 'tenant_lanes'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON herald.provider_accounts, herald.account_calls,
  herald.tenant_routes, herald.tenant_lanes TO herald_engine;
GRANT SELECT, UPDATE ON herald.route_version TO herald_engine;
GRANT SELECT ON herald.tenant_routes, herald.tenant_lanes TO herald_api;
