#pragma once

// Includes libpqxx: only for sources of this folder.

#include <pqxx/pqxx>
#include <vector>

#include "storage/ledger.h"

namespace herald::storage {

// From the rows of ledger_sql::kOfAll or kOfTenant; one a lane, in their order.
std::vector<LaneLedger> LedgerOf(const pqxx::result& rows);

}  // namespace herald::storage
