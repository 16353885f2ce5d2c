#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace herald::storage {

// One numbered file of migrations/, embedded in the binary. Never changed once released.
struct Migration {
  int version = 0;  // 1, 2, …
  std::string name;
  std::string sql;
  std::string checksum;  // SHA-256 of `sql`, hex
};

// In order of version, without gaps.
const std::vector<Migration>& EmbeddedMigrations();

// Brings the database up to this binary's schema: ensures schema `herald`, its table of applied
// migrations and the roles herald_api and herald_engine, then applies what is missing, each file in
// a transaction of its own, and creates the functions of kept_queries.h. Safe to run concurrently
// and again: an advisory lock serialises. The user of `dsn` owns the schema and must be allowed to
// create roles, unless they exist.
//   kUnavailable         no connection, or lost on the way; run it again
//   kInvalidArgument     `dsn` is malformed
//   kFailedPrecondition  an applied migration differs from this binary's, the schema is newer than
//                        the binary, or a role may bypass row-level security
//   kInternal            a migration failed; it left nothing behind
absl::Status Migrate(const std::string& dsn);

// As above, of other migrations and without the functions.
absl::Status Migrate(const std::string& dsn, const std::vector<Migration>& migrations);

// Changes nothing. kFailedPrecondition also: migrations or functions are missing.
absl::Status CheckSchema(const std::string& dsn);
absl::Status CheckSchema(const std::string& dsn, const std::vector<Migration>& migrations);

}  // namespace herald::storage
