-- Chunks are claimed by turns as emails are: who may have some is known without a search of their
-- index, whose dead entries would make every claim slower the longer a snapshot is held.

CREATE TRIGGER queue_tenants AFTER INSERT ON herald.chunks
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION herald.note_queue_tenants();

-- Those that have chunks already; row-level security hides them from the owner.
SET LOCAL ROLE herald_engine;
INSERT INTO herald.queue_tenants (tenant_id, lane)
SELECT DISTINCT tenant_id, lane FROM herald.chunks
ON CONFLICT (tenant_id, lane) DO UPDATE SET leaving_since = NULL;
RESET ROLE;
