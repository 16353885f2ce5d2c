-- The queue for many tenants and long lines: fair claims, and a ledger that is exact.

-- Tenants take turns within a lane, so a claim reads the head of each tenant's own line.
DROP INDEX herald.queue_due;
CREATE INDEX queue_due ON herald.queue (lane, tenant_id, run_at, email_id)
  WHERE lease_until IS NULL;

-- Which tenants may have a line in a lane. A claim asks here whom to visit instead of searching the
-- queue's index, whose dead entries would make that slower the longer a snapshot is held. A row is
-- there before the first email of its line can be seen; it is taken away in two steps (`leaving`,
-- then gone a while later), so that a transaction that saw it either ended or set it right.
CREATE TABLE herald.queue_tenants (
  tenant_id     bigint NOT NULL,
  lane          smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  leaving_since timestamptz,
  PRIMARY KEY (tenant_id, lane)
);

CREATE FUNCTION herald.note_queue_tenants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO herald.queue_tenants AS t (tenant_id, lane)
  SELECT DISTINCT a.tenant_id, a.lane FROM added a
  WHERE NOT EXISTS (SELECT FROM herald.queue_tenants k
                    WHERE k.tenant_id = a.tenant_id AND k.lane = a.lane
                      AND k.leaving_since IS NULL)
  ORDER BY a.tenant_id, a.lane
  ON CONFLICT (tenant_id, lane) DO UPDATE SET leaving_since = NULL;
  RETURN NULL;
END
$$;
CREATE TRIGGER queue_tenants AFTER INSERT ON herald.queue
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION herald.note_queue_tenants();

-- How many emails a tenant has in each lane and state, ever accepted and now. `accepted` counts
-- those that began in that state, `emails` those that are in it, so the sums over states are equal:
-- nothing came from nowhere and nothing went. Emails whose history was dropped stay counted.
CREATE TABLE herald.ledger (
  tenant_id bigint NOT NULL,
  lane      smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  state     smallint NOT NULL,
  accepted  bigint NOT NULL,
  emails    bigint NOT NULL,
  PRIMARY KEY (tenant_id, lane, state)
) WITH (fillfactor = 50);

-- What each statement changed, not yet folded into the ledger: rows of their own, so that no two
-- transactions wait for each other. The ledger's truth is both together, read by one statement.
CREATE TABLE herald.ledger_deltas (
  tenant_id bigint NOT NULL,
  lane      smallint NOT NULL,
  state     smallint NOT NULL,
  accepted  bigint NOT NULL,
  emails    bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0);

-- Triggers, not the statements of each writer: a writer that was forgotten could not be seen.
CREATE FUNCTION herald.count_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO herald.ledger_deltas (tenant_id, lane, state, accepted, emails)
  SELECT tenant_id, lane, state, count(*), count(*) FROM added GROUP BY 1, 2, 3;
  RETURN NULL;
END
$$;
CREATE TRIGGER ledger_accepted AFTER INSERT ON herald.emails
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION herald.count_accepted();

CREATE FUNCTION herald.count_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO herald.ledger_deltas (tenant_id, lane, state, accepted, emails)
  SELECT tenant_id, lane, state, 0, sum(n)
  FROM (SELECT tenant_id, lane, state, 1 AS n FROM after_it
        UNION ALL SELECT tenant_id, lane, state, -1 FROM before_it) c
  GROUP BY 1, 2, 3 HAVING sum(n) <> 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER ledger_moved AFTER UPDATE ON herald.emails
  REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
  FOR EACH STATEMENT EXECUTE FUNCTION herald.count_moved();

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['queue_tenants', 'ledger', 'ledger_deltas'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON herald.queue_tenants, herald.ledger, herald.ledger_deltas
  TO herald_engine;
GRANT SELECT, INSERT, UPDATE ON herald.queue_tenants TO herald_api;
GRANT SELECT ON herald.ledger TO herald_api;
GRANT SELECT, INSERT ON herald.ledger_deltas TO herald_api;

-- Emails that are there already; row-level security hides them from the owner.
SET LOCAL ROLE herald_engine;
INSERT INTO herald.queue_tenants (tenant_id, lane) SELECT DISTINCT tenant_id, lane FROM herald.queue;
INSERT INTO herald.ledger (tenant_id, lane, state, accepted, emails)
SELECT tenant_id, lane, state, count(*), count(*) FROM herald.emails GROUP BY 1, 2, 3;
RESET ROLE;
