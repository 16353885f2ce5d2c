#pragma once

#include <pqxx/pqxx>

#include "storage/tenant_store.h"

namespace herald::storage {

// Rows of tenant_queries.h.
Tenant ReadTenant(const pqxx::row& row);
ApiToken ReadApiToken(const pqxx::row& row);
AuditEntry ReadAuditEntry(const pqxx::row& row);

}  // namespace herald::storage
