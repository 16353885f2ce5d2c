-- Chunks are claimed by turns as emails are: who may have some is known without a search of their
-- index, whose dead entries would make every claim slower the longer a snapshot is held.

-- Most acceptances add to one of the two tables only.
CREATE OR REPLACE FUNCTION herald.note_queue_tenants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM added) THEN
    RETURN NULL;
  END IF;
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
CREATE TRIGGER queue_tenants AFTER INSERT ON herald.chunks
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION herald.note_queue_tenants();

-- Those that have chunks already; row-level security hides them from the owner.
SET LOCAL ROLE herald_engine;
INSERT INTO herald.queue_tenants (tenant_id, lane)
SELECT DISTINCT tenant_id, lane FROM herald.chunks
ON CONFLICT (tenant_id, lane) DO UPDATE SET leaving_since = NULL;
RESET ROLE;
