-- In floating point, a tenth of what numeric costs. It is exact until 2106: the seconds are off by a
-- quarter of a microsecond at most, the product by another, and the cast rounds.
CREATE OR REPLACE FUNCTION herald.micros(timestamptz) RETURNS bigint LANGUAGE sql STABLE STRICT
  PARALLEL SAFE AS $$ SELECT (date_part('epoch', $1) * 1000000)::bigint $$;
