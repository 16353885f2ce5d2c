-- Which emails are DEAD, so that whoever looks for them need not read all others. A table rather
-- than an index of emails on their state: with one, even a partial one, no change of a state could be
-- a heap-only update, and every email would pay for it in all indexes of its table.
CREATE TABLE herald.dead_emails (
  tenant_id bigint NOT NULL,
  email_id  bigint NOT NULL,
  PRIMARY KEY (tenant_id, email_id)
);

-- Triggers, as of the ledger: a writer that was forgotten could not be seen. Of other emails they
-- cost a comparison.
CREATE FUNCTION herald.note_dead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 10 THEN
    DELETE FROM herald.dead_emails WHERE tenant_id = OLD.tenant_id AND email_id = OLD.email_id;
  ELSE
    INSERT INTO herald.dead_emails VALUES (NEW.tenant_id, NEW.email_id);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER dead_changed AFTER UPDATE ON herald.emails
  FOR EACH ROW WHEN ((OLD.state = 10) <> (NEW.state = 10)) EXECUTE FUNCTION herald.note_dead();
CREATE TRIGGER dead_gone AFTER DELETE ON herald.emails
  FOR EACH ROW WHEN (OLD.state = 10) EXECUTE FUNCTION herald.note_dead();

ALTER TABLE herald.dead_emails ENABLE ROW LEVEL SECURITY;
ALTER TABLE herald.dead_emails FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON herald.dead_emails TO herald_api
  USING (tenant_id = ANY ((SELECT herald.current_tenants())::bigint[]));
CREATE POLICY engine ON herald.dead_emails TO herald_engine USING (true);
GRANT SELECT, INSERT, DELETE ON herald.dead_emails TO herald_engine, herald_api;

-- Emails that are there already; row-level security hides them from the owner.
SET LOCAL ROLE herald_engine;
INSERT INTO herald.dead_emails SELECT tenant_id, email_id FROM herald.emails WHERE state = 10;
RESET ROLE;
