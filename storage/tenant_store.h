#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "storage/ledger.h"
#include "storage/tenant_limits.h"

namespace herald::storage {

struct Tenant {
  TenantId id;
  std::string slug;
  std::string display_name;
  std::vector<std::string> sender_domains;  // lower-case A-labels
  bool suspended = false;
  absl::Time create_time;
};

enum class TokenMode : int { kLive = 1, kTest = 2, kRestricted = 3 };
// Bits of ApiToken::scopes.
enum TokenScope : int { kScopeSend = 1, kScopeRead = 2, kScopeManage = 4 };

struct ApiToken {
  ApiTokenId id;
  TenantId tenant;
  std::string display_name;
  TokenMode mode = TokenMode::kLive;
  int scopes = 0;
  std::string secret_hash;                      // SHA-256 of the secret, 32 bytes
  std::vector<std::string> allowed_recipients;  // kRestricted: normalised addresses or "@domain"
  absl::Time create_time;
  absl::optional<absl::Time> expire_time;
  absl::optional<absl::Time> revoke_time;
};

struct AuditEntry {
  absl::optional<TenantId> tenant;  // nullopt: the service itself
  std::string actor;                // "operator" or an API token's id
  std::string action;               // "herald.v1.TenantService/CreateTenant"
  std::string target;
  absl::Time create_time;
};

struct TenantUpdate {
  absl::optional<std::string> display_name;
  absl::optional<bool> suspended;
  absl::optional<std::vector<std::string>> sender_domains;
};

// A page of a list: `next` is the key to continue after, nullopt at the end.
template <class Row>
struct Page {
  std::vector<Row> rows;
  absl::optional<int64_t> next;
};

// Tenants, their API tokens and the audit log. Thread-safe, blocking. Every change writes its audit
// entry (actor, action) in the same transaction. Errors of all methods: kUnavailable (the database
// does not answer in time; it is not known whether a change took effect), kNotFound, kAlreadyExists
// where said.
class TenantStore {
 public:
  virtual ~TenantStore() = default;

  // Creates the tenant and its sealing and look-up keys. kAlreadyExists: the slug is taken.
  virtual absl::StatusOr<Tenant> CreateTenant(const Tenant& tenant, const AuditEntry& audit) = 0;
  virtual absl::StatusOr<Tenant> GetTenant(TenantId id) = 0;
  virtual absl::StatusOr<Tenant> GetTenantBySlug(absl::string_view slug) = 0;
  virtual absl::StatusOr<Page<Tenant>> ListTenants(int limit, absl::optional<int64_t> after) = 0;
  virtual absl::StatusOr<Tenant> UpdateTenant(TenantId id, const TenantUpdate& update,
                                              const AuditEntry& audit) = 0;

  // Id and create_time are given by the store. kNotFound: no such tenant.
  virtual absl::StatusOr<ApiToken> CreateApiToken(const ApiToken& token,
                                                  const AuditEntry& audit) = 0;
  // Looks a token up by its public id, over all tenants; also revoked and expired ones.
  virtual absl::StatusOr<ApiToken> FindApiToken(ApiTokenId id) = 0;
  virtual absl::StatusOr<std::vector<ApiToken>> ListApiTokens(TenantId tenant) = 0;
  // Revoking a revoked token changes nothing.
  virtual absl::StatusOr<ApiToken> RevokeApiToken(TenantId tenant, ApiTokenId id,
                                                  const AuditEntry& audit) = 0;

  // As set by SetTenantLimits; all defaults when that was never called.
  virtual absl::StatusOr<TenantLimits> GetTenantLimits(TenantId tenant) = 0;
  // Replaces them. update_time is given by the store.
  virtual absl::StatusOr<TenantLimits> SetTenantLimits(const TenantLimits& limits,
                                                       const AuditEntry& audit) = 0;
  // Of all tenants, those set at or after `since`; all when that is yet to come for the database,
  // whose clock was then set back.
  virtual absl::StatusOr<std::vector<TenantLimits>> ListTenantLimits(absl::Time since) = 0;
  // Exact at one moment; only lanes that ever had an email. kNotFound: no such tenant.
  virtual absl::StatusOr<std::vector<LaneLedger>> GetLedger(TenantId tenant) = 0;

  // For acts that change nothing else in this store (revealing an address, a redrive).
  virtual absl::Status WriteAuditEntry(const AuditEntry& audit) = 0;
  // Newest first; `before` continues below that entry.
  virtual absl::StatusOr<Page<AuditEntry>> ListAuditEntries(absl::optional<TenantId> tenant,
                                                            int limit,
                                                            absl::optional<int64_t> before) = 0;
};

}  // namespace herald::storage
