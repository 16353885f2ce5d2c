#pragma once

// Includes libpqxx: only for sources of this folder.

#include <pqxx/pqxx>
#include <string>

#include "absl/status/status.h"
#include "storage/postgres/named_query.h"

// Statements whose plans are kept, as functions in PL/pgSQL: unlike prepared statements they
// outlive a transaction behind PgBouncer. A function's name ends in a digest of what it does, so
// that replicas of two releases each call their own.
namespace herald::storage {

// What is sent instead of the statement: "SELECT * FROM herald.take_keys_0123abcd($1,$2)". Valid
// for ever. Any thread.
const std::string& KeptCall(const KeptQuery& query);

// Creates the functions that are missing. Those of other releases stay. Throws libpqxx's
// exceptions.
void CreateKeptQueries(pqxx::work& work);

// kFailedPrecondition when one is missing. Throws libpqxx's exceptions.
absl::Status CheckKeptQueries(pqxx::work& work);

}  // namespace herald::storage
