#pragma once

namespace herald::storage {

// A statement and the name under which errors and metrics speak of it. Kept as constants next to
// the store that uses them. Sent with its parameters and planned anew each time.
struct NamedQuery {
  const char* name;
  const char* sql;
};

// A statement of the hot paths, where planning costs more than running: a function of the database
// holds it, whose plan every connection keeps; see kept_queries.h. It must read tables by their
// indexes alone.
struct KeptQuery {
  const char* name;
  const char* parameters;  // their types, "bigint[], text[]"
  const char* columns;     // of the result, "tenant_id bigint, state smallint"; empty: no result
  const char* sql;
};

}  // namespace herald::storage
