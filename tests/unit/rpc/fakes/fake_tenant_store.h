#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// Tenants and tokens in memory. Thread-safe.
class FakeTenantStore final : public storage::TenantStore {
 public:
  absl::StatusOr<storage::Tenant> CreateTenant(const storage::Tenant& tenant,
                                               const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    for (const auto& [id, known] : tenants_) {
      if (known.slug == tenant.slug) return absl::AlreadyExistsError("slug");
    }
    storage::Tenant created = tenant;
    created.id = TenantId{next_++};
    tenants_[created.id] = created;
    audits_.push_back(audit);
    return created;
  }
  absl::StatusOr<storage::Tenant> GetTenant(TenantId id) override {
    absl::MutexLock lock(&mu_);
    if (!failure_.ok()) return failure_;
    const auto found = tenants_.find(id);
    if (found == tenants_.end()) return absl::NotFoundError("tenant");
    return found->second;
  }
  absl::StatusOr<storage::Tenant> GetTenantBySlug(absl::string_view slug) override {
    absl::MutexLock lock(&mu_);
    for (const auto& [id, tenant] : tenants_) {
      if (tenant.slug == slug) return tenant;
    }
    return absl::NotFoundError("tenant");
  }
  absl::StatusOr<storage::Page<storage::Tenant>> ListTenants(
      int limit, absl::optional<int64_t> after) override {
    absl::MutexLock lock(&mu_);
    storage::Page<storage::Tenant> page;
    for (const auto& [id, tenant] : tenants_) {
      if (after.has_value() && id.value <= *after) continue;
      if (static_cast<int>(page.rows.size()) == limit) {
        page.next = page.rows.back().id.value;
        break;
      }
      page.rows.push_back(tenant);
    }
    return page;
  }
  absl::StatusOr<storage::Tenant> UpdateTenant(TenantId id, const storage::TenantUpdate& update,
                                               const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    const auto found = tenants_.find(id);
    if (found == tenants_.end()) return absl::NotFoundError("tenant");
    storage::Tenant& tenant = found->second;
    tenant.display_name = update.display_name.value_or(tenant.display_name);
    tenant.suspended = update.suspended.value_or(tenant.suspended);
    tenant.sender_domains = update.sender_domains.value_or(tenant.sender_domains);
    audits_.push_back(audit);
    return tenant;
  }
  absl::StatusOr<storage::ApiToken> CreateApiToken(const storage::ApiToken& token,
                                                   const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    if (tenants_.count(token.tenant) == 0) return absl::NotFoundError("tenant");
    storage::ApiToken created = token;
    created.id = ApiTokenId{next_++};
    tokens_[created.id] = created;
    audits_.push_back(audit);
    return created;
  }
  absl::StatusOr<storage::ApiToken> FindApiToken(ApiTokenId id) override {
    absl::MutexLock lock(&mu_);
    ++finds_;
    mu_.Await(absl::Condition(&answering_));
    if (!failure_.ok()) return failure_;
    const auto found = tokens_.find(id);
    if (found == tokens_.end()) return absl::NotFoundError("token");
    return found->second;
  }
  absl::StatusOr<std::vector<storage::ApiToken>> ListApiTokens(TenantId tenant) override {
    absl::MutexLock lock(&mu_);
    if (tenants_.count(tenant) == 0) return absl::NotFoundError("tenant");
    std::vector<storage::ApiToken> tokens;
    for (const auto& [id, token] : tokens_) {
      if (token.tenant == tenant) tokens.push_back(token);
    }
    return tokens;
  }
  absl::StatusOr<storage::ApiToken> RevokeApiToken(TenantId tenant, ApiTokenId id,
                                                   const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    const auto found = tokens_.find(id);
    if (found == tokens_.end() || found->second.tenant != tenant) {
      return absl::NotFoundError("token");
    }
    found->second.revoke_time = audit.create_time;
    audits_.push_back(audit);
    return found->second;
  }
  absl::StatusOr<storage::TenantLimits> GetTenantLimits(TenantId tenant) override {
    absl::MutexLock lock(&mu_);
    if (tenants_.count(tenant) == 0) return absl::NotFoundError("tenant");
    const auto found = limits_.find(tenant);
    if (found != limits_.end()) return found->second;
    storage::TenantLimits none;
    none.tenant = tenant;
    return none;
  }
  absl::StatusOr<storage::TenantLimits> SetTenantLimits(const storage::TenantLimits& limits,
                                                        const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    if (tenants_.count(limits.tenant) == 0) return absl::NotFoundError("tenant");
    storage::TenantLimits& set = limits_[limits.tenant];
    set = limits;
    set.update_time = audit.create_time;
    audits_.push_back(audit);
    return set;
  }
  absl::StatusOr<std::vector<storage::TenantLimits>> ListTenantLimits(absl::Time since) override {
    absl::MutexLock lock(&mu_);
    if (!failure_.ok()) return failure_;
    const absl::Time from = since > now_ ? absl::InfinitePast() : since;
    std::vector<storage::TenantLimits> found;
    for (const auto& [tenant, limits] : limits_) {
      if (limits.update_time >= from) found.push_back(limits);
    }
    return found;
  }
  absl::StatusOr<std::vector<storage::LaneLedger>> GetLedger(TenantId tenant) override {
    absl::MutexLock lock(&mu_);
    if (tenants_.count(tenant) == 0) return absl::NotFoundError("tenant");
    return std::vector<storage::LaneLedger>{
        {.lane = Lane::kCritical, .accepted = 3, .pending = 1, .sent = 2}};
  }
  absl::Status WriteAuditEntry(const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    if (!failure_.ok()) return failure_;
    audits_.push_back(audit);
    return absl::OkStatus();
  }
  absl::StatusOr<storage::Page<storage::AuditEntry>> ListAuditEntries(
      absl::optional<TenantId>, int, absl::optional<int64_t>) override {
    absl::MutexLock lock(&mu_);
    return storage::Page<storage::AuditEntry>{audits_, absl::nullopt};
  }

  // Look-ups of tokens, tenants and changed limits, and audit entries, answer this from now on.
  void Fail(absl::Status status) {
    absl::MutexLock lock(&mu_);
    failure_ = std::move(status);
  }
  // The present by which a time is yet to come. Limits bear the time of their audit entry.
  void SetNow(absl::Time now) {
    absl::MutexLock lock(&mu_);
    now_ = now;
  }
  // Whether look-ups of tokens wait.
  void Hold(bool held) {
    absl::MutexLock lock(&mu_);
    answering_ = !held;
  }
  void AwaitFinds(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return finds_ >= count; };
    mu_.Await(absl::Condition(&enough));
  }
  int finds() {
    absl::MutexLock lock(&mu_);
    return finds_;
  }
  std::vector<storage::AuditEntry> audits() {
    absl::MutexLock lock(&mu_);
    return audits_;
  }

 private:
  absl::Mutex mu_;
  int64_t next_ ABSL_GUARDED_BY(mu_) = 1;
  int finds_ ABSL_GUARDED_BY(mu_) = 0;
  bool answering_ ABSL_GUARDED_BY(mu_) = true;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  absl::Time now_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  std::map<TenantId, storage::Tenant> tenants_ ABSL_GUARDED_BY(mu_);
  std::map<TenantId, storage::TenantLimits> limits_ ABSL_GUARDED_BY(mu_);
  std::map<ApiTokenId, storage::ApiToken> tokens_ ABSL_GUARDED_BY(mu_);
  std::vector<storage::AuditEntry> audits_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::rpc
