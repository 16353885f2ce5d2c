-- In floating point, a tenth of what numeric costs. Until 2106 a moment is off by less than half a
-- microsecond before it is rounded: no more than a quarter in seconds, and a quarter in the product.
CREATE OR REPLACE FUNCTION herald.micros(timestamptz) RETURNS bigint LANGUAGE sql STABLE STRICT
  PARALLEL SAFE AS $$ SELECT (date_part('epoch', $1) * 1000000)::bigint $$;
