#include "storage/postgres/tenant_rows.h"

#include "storage/postgres/query_params.h"

namespace herald::storage {

Tenant ReadTenant(const pqxx::row& row) {
  Tenant tenant;
  tenant.id = {Int64Of(row[0])};
  tenant.slug = TextOf(row[1]);
  tenant.display_name = TextOf(row[2]);
  tenant.sender_domains = TextArrayOf(row[3]);
  tenant.suspended = BoolOf(row[4]);
  tenant.create_time = TimeOf(row[5]);
  return tenant;
}

ApiToken ReadApiToken(const pqxx::row& row) {
  ApiToken token;
  token.id = {Int64Of(row[0])};
  token.tenant = {Int64Of(row[1])};
  token.display_name = TextOf(row[2]);
  token.mode = static_cast<TokenMode>(IntOf(row[3]));
  token.scopes = IntOf(row[4]);
  token.secret_hash = BytesOf(row[5]);
  token.allowed_recipients = TextArrayOf(row[6]);
  token.create_time = TimeOf(row[7]);
  token.expire_time = OptionalTimeOf(row[8]);
  token.revoke_time = OptionalTimeOf(row[9]);
  return token;
}

AuditEntry ReadAuditEntry(const pqxx::row& row) {
  AuditEntry entry;
  if (!row[1].is_null()) entry.tenant = TenantId{Int64Of(row[1])};
  entry.actor = TextOf(row[2]);
  entry.action = TextOf(row[3]);
  entry.target = TextOf(row[4]);
  entry.create_time = TimeOf(row[5]);
  return entry;
}

}  // namespace herald::storage
