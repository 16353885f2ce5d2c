#pragma once

#include <string>
#include <vector>

#include "storage/postgres/contact_store.h"
#include "tests/postgres/tenant_fixture.h"

namespace herald::storage {

// Two tenants and their contacts.
struct ContactFixture : TenantFixture {
  // A contact with a new id, to be stored.
  NewContact New(const std::string& email);
  // Stores it.
  ContactRecord Add(TenantId tenant, const NewContact& contact);
  // All ids that match, oldest first.
  std::vector<ContactId> FindAll(TenantId tenant, const FilterNode& filter);

  ContactIdGenerator ids{1};
  PostgresContactStore contacts{database.pool(), keys};
};

// The filter that `text` says; it must be one.
FilterNode Filter(const std::string& text);

}  // namespace herald::storage
