#include "tests/postgres/tenant_fixture.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace herald::storage {

MasterKeys TestMasterKeys(bool rotated) {
  const std::string first = "first:" + absl::Base64Escape(std::string(32, '1'));
  const std::string second = "second:" + absl::Base64Escape(std::string(32, '2')) + "\n";
  return MasterKeys::Parse(rotated ? second + first : first).value();
}

TenantFixture::TenantFixture()
    : master(TestMasterKeys()),
      keys(database.pool(), master, [this] { return now; }),
      tenants(database.pool(), keys),
      templates(database.pool()),
      a(NewTenant("a")),
      b(NewTenant("b")) {}

Tenant TenantFixture::NewTenant(const std::string& slug) {
  Tenant tenant;
  tenant.slug = slug;
  tenant.display_name = absl::StrCat("Tenant ", slug);
  tenant.sender_domains = {absl::StrCat(slug, ".example")};
  AuditEntry audit;
  audit.actor = "operator";
  audit.action = "create";
  return tenants.CreateTenant(tenant, audit).value();
}

}  // namespace herald::storage
