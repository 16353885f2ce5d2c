#pragma once

#include <string>

#include "storage/crypto/master_keys.h"
#include "storage/postgres/template_store.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/tenant_store.h"
#include "tests/postgres/database.h"

namespace herald::storage {

// A database with its stores, and two tenants.
struct TenantFixture {
  TenantFixture();

  Tenant NewTenant(const std::string& slug);

  TestDatabase database;
  const MasterKeys master;
  absl::Time now = absl::UnixEpoch();  // of `keys`
  TenantKeys keys;
  PostgresTenantStore tenants;
  PostgresTemplateStore templates;
  Tenant a;
  Tenant b;
};

// One master key, "first:…", or with `rotated` a new primary before it.
MasterKeys TestMasterKeys(bool rotated = false);

}  // namespace herald::storage
