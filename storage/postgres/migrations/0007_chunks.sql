-- Chunks: up to a hundred BULK emails of one tenant that were accepted together wait, are leased and
-- are handed over as one. A member has no row in herald.queue; it gets one when it leaves its chunk
-- before it is finished. A chunk is known by its first email, and keeps that name for good.
--
-- What happened to a member while it was in its chunk is told by chunk_attempts and chunk_events,
-- a row for all; what happened to it alone, by attempts and email_events, as for any other email.

ALTER TABLE herald.emails ADD COLUMN chunk_id bigint;
-- A chunk's members lie side by side and change together: room for the second version of each keeps
-- three of four updates from writing to every index.
ALTER TABLE herald.emails SET (fillfactor = 50);

-- Unfinished chunks only. Members are in the order of the batch call. While a hand-over is
-- unconfirmed nobody leaves, since only the identical batch is a repetition.
CREATE TABLE herald.chunks (
  tenant_id           bigint NOT NULL,
  chunk_id            bigint NOT NULL,
  lane                smallint NOT NULL CHECK (lane BETWEEN 1 AND 4),
  claims              smallint NOT NULL DEFAULT 0,
  attempts            smallint NOT NULL DEFAULT 0,
  free_attempts       smallint NOT NULL DEFAULT 0,  -- of these, those that use up no retry budget
  run_at              timestamptz NOT NULL,
  expire_time         timestamptz NOT NULL,  -- the earliest of its members
  lease_until         timestamptz,
  lease_token         bigint NOT NULL DEFAULT 0,
  unconfirmed_time    timestamptz,
  unconfirmed_account text,
  unconfirmed_digest  bytea,
  email_ids           bigint[] NOT NULL CHECK (cardinality(email_ids) BETWEEN 1 AND 100),
  PRIMARY KEY (tenant_id, chunk_id),
  CHECK ((lease_until IS NULL) = (lease_token = 0)),
  CHECK ((unconfirmed_time IS NULL) = (unconfirmed_account IS NULL)
     AND (unconfirmed_time IS NULL) = (unconfirmed_digest IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0);
CREATE INDEX chunks_due ON herald.chunks (lane, tenant_id, run_at, chunk_id)
  WHERE lease_until IS NULL;
CREATE INDEX chunks_leased ON herald.chunks (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX chunks_expiring ON herald.chunks (expire_time);

-- One batch call each, inserted with its pinned members and committed before the hand-over.
-- Message ids are in the order of the members, '' for who was not taken. Rows stay in one piece,
-- since the target is a page.
CREATE TABLE herald.chunk_attempts (
  tenant_id      bigint NOT NULL,
  chunk_id       bigint NOT NULL,
  attempt        smallint NOT NULL CHECK (attempt > 0),
  outcome        smallint CHECK (outcome BETWEEN 1 AND 5),
  begin_time     timestamptz NOT NULL,
  end_time       timestamptz,
  lease_token    bigint NOT NULL,
  account        text NOT NULL,
  request_key    text NOT NULL,
  request_digest bytea NOT NULL,
  error_code     text NOT NULL DEFAULT '',
  detail         text NOT NULL DEFAULT '',
  email_ids      bigint[] NOT NULL,
  message_ids    text[] NOT NULL DEFAULT '{}',
  outcomes       smallint[] NOT NULL DEFAULT '{}',  -- of the members, where they differ
  PRIMARY KEY (tenant_id, chunk_id, attempt),
  CHECK ((outcome IS NULL) = (end_time IS NULL))
) WITH (toast_tuple_target = 8160);

-- What happened to many members at once: a line in the timeline of each. Append-only and in the
-- order of the feed, as herald.email_events.
CREATE TABLE herald.chunk_events (
  tenant_id  bigint NOT NULL,
  chunk_id   bigint NOT NULL,
  event_key  text NOT NULL,
  xact       xid8 NOT NULL DEFAULT pg_current_xact_id(),
  seq        bigint NOT NULL DEFAULT nextval('herald.event_seq'),
  type       smallint NOT NULL,
  attempt    smallint NOT NULL,
  event_time timestamptz NOT NULL,
  retry_time timestamptz,
  account    text NOT NULL DEFAULT '',
  reason     text NOT NULL DEFAULT '',
  detail     text NOT NULL DEFAULT '',
  email_ids  bigint[] NOT NULL,
  PRIMARY KEY (tenant_id, chunk_id, event_key)
) WITH (toast_tuple_target = 8160);
CREATE INDEX chunk_events_feed ON herald.chunk_events (tenant_id, xact, seq);

-- The attempts of an email, made alone or in its chunk. Numbers go on when it leaves the chunk.
CREATE VIEW herald.email_attempts WITH (security_invoker = true) AS
SELECT a.tenant_id, a.email_id, a.attempt, a.outcome, a.begin_time, a.account,
       a.provider_message_id
FROM herald.attempts a
UNION ALL
SELECT e.tenant_id, e.email_id, c.attempt,
       coalesce(c.outcomes[array_position(c.email_ids, e.email_id)], c.outcome), c.begin_time,
       c.account, coalesce(c.message_ids[array_position(c.email_ids, e.email_id)], '')
FROM herald.emails e
JOIN herald.chunk_attempts c ON c.tenant_id = e.tenant_id AND c.chunk_id = e.chunk_id
 AND e.email_id = ANY (c.email_ids);

-- A chunk's events as lines of its members' timelines. `place` orders them within the feed.
CREATE VIEW herald.chunk_member_events WITH (security_invoker = true) AS
SELECT v.tenant_id, v.chunk_id, m.email_id, v.xact, v.seq, m.place, v.type, v.attempt, v.event_time,
       v.retry_time, v.account, v.reason, v.detail,
       CASE WHEN v.type = 7 THEN coalesce((
         SELECT a.message_ids[array_position(a.email_ids, m.email_id)]
         FROM herald.chunk_attempts a
         WHERE a.tenant_id = v.tenant_id AND a.chunk_id = v.chunk_id
           AND a.attempt = v.attempt), '') ELSE '' END AS provider_message_id
FROM herald.chunk_events v
CROSS JOIN LATERAL unnest(v.email_ids) WITH ORDINALITY AS m (email_id, place);

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['chunks', 'chunk_attempts', 'chunk_events'] LOOP
    EXECUTE format('ALTER TABLE herald.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE herald.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON herald.%I TO herald_api
                    USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]))', t);
    EXECUTE format('CREATE POLICY engine ON herald.%I TO herald_engine USING (true)', t);
  END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON herald.chunks, herald.chunk_attempts, herald.chunk_events
  TO herald_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON herald.chunks TO herald_api;
GRANT SELECT ON herald.chunk_attempts, herald.chunk_events TO herald_api;
GRANT SELECT ON herald.email_attempts, herald.chunk_member_events TO herald_api, herald_engine;
