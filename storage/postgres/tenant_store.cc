#include "storage/postgres/tenant_store.h"

#include <limits>
#include <utility>

#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/ledger_rows.h"
#include "storage/postgres/ledger_sql.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/tenant_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

TransactionOptions ByOperator(const char* name, bool read_only = false) {
  return {.role = DatabaseRole::kEngine, .read_only = read_only, .name = name};
}

absl::Status NoTenant() { return absl::NotFoundError("tenant"); }
absl::Status NoToken() { return absl::NotFoundError("API token"); }

// The audit entry of a change, which knows best what it changed.
void Audit(Transaction& transaction, const AuditEntry& audit, absl::optional<TenantId> tenant,
           const std::string& target) {
  transaction.Exec(kInsertAudit, audit.tenant.has_value() ? audit.tenant : tenant, audit.actor,
                   audit.action, audit.target.empty() ? target : audit.target);
}

absl::StatusOr<Tenant> OneTenant(const pqxx::result& result) {
  if (result.empty()) return NoTenant();
  return ReadTenant(result[0]);
}

std::vector<ApiToken> AllTokens(const pqxx::result& result) {
  std::vector<ApiToken> tokens;
  for (const auto& row : result) tokens.push_back(ReadApiToken(row));
  return tokens;
}

}  // namespace

PostgresTenantStore::PostgresTenantStore(ConnectionPool& pool, const TenantKeys& keys)
    : pool_(pool), keys_(keys) {}

absl::StatusOr<Tenant> PostgresTenantStore::CreateTenant(const Tenant& tenant,
                                                         const AuditEntry& audit) {
  return StoreResult(RunTransaction(
      pool_, ByOperator("create_tenant"), [&](Transaction& transaction) -> absl::StatusOr<Tenant> {
        const pqxx::result result =
            transaction.Exec(kInsertTenant, tenant.slug, tenant.display_name,
                             TextArray(tenant.sender_domains), tenant.suspended);
        Tenant created = ReadTenant(result[0]);
        keys_.Create(transaction, created.id);
        Audit(transaction, audit, created.id, FormatTenantId(created.id));
        return created;
      }));
}

absl::StatusOr<Tenant> PostgresTenantStore::GetTenant(TenantId id) {
  return StoreResult(RunTransaction(
      pool_, {.tenants = {id}, .read_only = true, .name = "get_tenant"},
      [&](Transaction& transaction) { return OneTenant(transaction.Exec(kGetTenant, id)); }));
}

absl::StatusOr<Tenant> PostgresTenantStore::GetTenantBySlug(absl::string_view slug) {
  return StoreResult(
      RunTransaction(pool_, ByOperator("get_tenant_by_slug", true), [&](Transaction& transaction) {
        return OneTenant(transaction.Exec(kGetTenantBySlug, slug));
      }));
}

absl::StatusOr<Page<Tenant>> PostgresTenantStore::ListTenants(int limit,
                                                              absl::optional<int64_t> after) {
  return StoreResult(
      RunTransaction(pool_, ByOperator("list_tenants", true),
                     [&](Transaction& transaction) -> absl::StatusOr<Page<Tenant>> {
                       Page<Tenant> page;
                       for (const auto& row :
                            transaction.Exec(kListTenants, after.value_or(0), int64_t{limit} + 1)) {
                         if (page.rows.size() == static_cast<size_t>(limit)) {
                           page.next = page.rows.back().id.value;
                           break;
                         }
                         page.rows.push_back(ReadTenant(row));
                       }
                       return page;
                     }));
}

absl::StatusOr<Tenant> PostgresTenantStore::UpdateTenant(TenantId id, const TenantUpdate& update,
                                                         const AuditEntry& audit) {
  return StoreResult(RunTransaction(
      pool_, ByOperator("update_tenant"), [&](Transaction& transaction) -> absl::StatusOr<Tenant> {
        absl::optional<std::string> domains;
        if (update.sender_domains.has_value()) domains = TextArray(*update.sender_domains);
        absl::StatusOr<Tenant> updated = OneTenant(
            transaction.Exec(kUpdateTenant, id, update.display_name, update.suspended, domains));
        if (updated.ok()) Audit(transaction, audit, id, FormatTenantId(id));
        return updated;
      }));
}

absl::StatusOr<ApiToken> PostgresTenantStore::CreateApiToken(const ApiToken& token,
                                                             const AuditEntry& audit) {
  return StoreResult(
      RunTransaction(pool_, ByOperator("create_api_token"),
                     [&](Transaction& transaction) -> absl::StatusOr<ApiToken> {
                       const pqxx::result result = transaction.Exec(
                           kInsertToken, token.tenant, token.display_name,
                           static_cast<int>(token.mode), token.scopes, ByteaText(token.secret_hash),
                           TextArray(token.allowed_recipients), token.expire_time);
                       if (result.empty()) return NoTenant();
                       ApiToken created = ReadApiToken(result[0]);
                       Audit(transaction, audit, token.tenant, FormatApiTokenId(created.id));
                       return created;
                     }));
}

absl::StatusOr<ApiToken> PostgresTenantStore::FindApiToken(ApiTokenId id) {
  return StoreResult(RunTransaction(pool_, ByOperator("find_api_token", true),
                                    [&](Transaction& transaction) -> absl::StatusOr<ApiToken> {
                                      const pqxx::result result = transaction.Exec(kFindToken, id);
                                      if (result.empty()) return NoToken();
                                      return ReadApiToken(result[0]);
                                    }));
}

absl::StatusOr<std::vector<ApiToken>> PostgresTenantStore::ListApiTokens(TenantId tenant) {
  return StoreResult(
      RunTransaction(pool_, {.tenants = {tenant}, .read_only = true, .name = "list_api_tokens"},
                     [&](Transaction& transaction) -> absl::StatusOr<std::vector<ApiToken>> {
                       if (transaction.Exec(kGetTenant, tenant).empty()) return NoTenant();
                       return AllTokens(transaction.Exec(kListTokens, tenant));
                     }));
}

absl::StatusOr<ApiToken> PostgresTenantStore::RevokeApiToken(TenantId tenant, ApiTokenId id,
                                                             const AuditEntry& audit) {
  return StoreResult(RunTransaction(pool_, ByOperator("revoke_api_token"),
                                    [&](Transaction& transaction) -> absl::StatusOr<ApiToken> {
                                      pqxx::result result =
                                          transaction.Exec(kRevokeToken, tenant, id);
                                      if (result.empty()) {
                                        result = transaction.Exec(kGetToken, tenant, id);
                                        if (result.empty()) return NoToken();
                                      } else {
                                        Audit(transaction, audit, tenant, FormatApiTokenId(id));
                                      }
                                      return ReadApiToken(result[0]);
                                    }));
}

absl::StatusOr<std::vector<LaneLedger>> PostgresTenantStore::GetLedger(TenantId tenant) {
  using Ledgers = absl::StatusOr<std::vector<LaneLedger>>;
  return StoreResult(
      RunTransaction(pool_, {.tenants = {tenant}, .read_only = true, .name = "get_ledger"},
                     [&](Transaction& transaction) -> Ledgers {
                       if (transaction.Exec(kGetTenant, tenant).empty()) return NoTenant();
                       return LedgerOf(transaction.Exec(ledger_sql::kOfTenant, tenant));
                     }));
}

absl::Status PostgresTenantStore::WriteAuditEntry(const AuditEntry& audit) {
  TransactionOptions options = ByOperator("write_audit_entry");
  if (audit.tenant.has_value()) {
    options.role = DatabaseRole::kApi;
    options.tenants = {*audit.tenant};
  }
  return StoreError(RunTransaction(pool_, options, [&](Transaction& transaction) {
    Audit(transaction, audit, absl::nullopt, "");
    return absl::OkStatus();
  }));
}

absl::StatusOr<Page<AuditEntry>> PostgresTenantStore::ListAuditEntries(
    absl::optional<TenantId> tenant, int limit, absl::optional<int64_t> before) {
  return StoreResult(RunTransaction(
      pool_, ByOperator("list_audit_entries", true),
      [&](Transaction& transaction) -> absl::StatusOr<Page<AuditEntry>> {
        Page<AuditEntry> page;
        int64_t last = 0;
        for (const auto& row : transaction.Exec(
                 kListAudit, tenant, before.value_or(std::numeric_limits<int64_t>::max()),
                 int64_t{limit} + 1)) {
          if (page.rows.size() == static_cast<size_t>(limit)) {
            page.next = last;
            break;
          }
          page.rows.push_back(ReadAuditEntry(row));
          last = Int64Of(row[0]);
        }
        return page;
      }));
}

}  // namespace herald::storage
