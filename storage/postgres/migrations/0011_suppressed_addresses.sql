-- The addresses of suppressions from before 0003, which row-level security hid from the owner that
-- ran it.
SET LOCAL ROLE herald_engine;
UPDATE herald.suppressions s SET address_sealed = e.recipient_sealed
FROM herald.emails e
WHERE s.address_sealed IS NULL AND s.source_email_id IS NOT NULL
  AND e.tenant_id = s.tenant_id AND e.email_id = s.source_email_id;
RESET ROLE;
