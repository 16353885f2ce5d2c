-- A chunk whose account has no batch call goes in single requests: chunk_attempts.request_key is ''
-- then, and the digest that of the members' requests together. A chunk goes to another account at
-- once, as emails do: see herald.queue.tried_accounts.
ALTER TABLE herald.chunks ADD COLUMN tried_accounts text NOT NULL DEFAULT '';

-- Called for every row that is read: as STABLE, which its body is, it becomes part of the statement
-- instead of being run as one.
CREATE OR REPLACE FUNCTION herald.micros(timestamptz) RETURNS bigint LANGUAGE sql STABLE STRICT
  PARALLEL SAFE AS $$ SELECT (extract(epoch FROM $1) * 1000000)::bigint $$;
