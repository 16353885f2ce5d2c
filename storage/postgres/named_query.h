#pragma once

namespace herald::storage {

// A statement and the name under which errors and metrics speak of it. Kept as constants next to
// the store that uses them. No prepared statements: PgBouncer in transaction mode loses them.
struct NamedQuery {
  const char* name;
  const char* sql;
};

}  // namespace herald::storage
