#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/account_health_store.h"

namespace herald::delivery {

// What several boards share, in memory; counts are never forgotten.
class FakeAccountHealthStore final : public storage::AccountHealthStore {
 public:
  absl::Time now = absl::FromUnixSeconds(1'000'000);
  bool away = false;
  std::map<std::string, storage::AccountHealth> accounts;

  absl::Status Register(absl::Span<const std::string> names) override {
    if (away) return absl::UnavailableError("away");
    for (const std::string& name : names) {
      if (!accounts.emplace(name, storage::AccountHealth()).second) continue;
      accounts[name].account = name;
      accounts[name].breaker.since = now;
    }
    return absl::OkStatus();
  }
  absl::StatusOr<storage::HealthExchange> Exchange(absl::Span<const storage::AccountCalls> calls,
                                                   absl::Span<const storage::AccountPause> pauses,
                                                   absl::Duration, absl::Duration) override {
    if (away) return absl::UnavailableError("away");
    for (const storage::AccountCalls& call : calls) {
      storage::AccountHealth& health = accounts.at(call.account);
      if (call.revision != health.revision) continue;
      for (storage::CallCounts* counts : {&health.recent, &health.window}) {
        counts->calls += call.calls;
        counts->failures += call.failures;
      }
    }
    for (const storage::AccountPause& pause : pauses) {
      accounts.at(pause.account).pause_until = now + pause.pause;
    }
    storage::HealthExchange exchange;
    exchange.now = now;
    for (const auto& [name, health] : accounts) exchange.accounts.push_back(health);
    return exchange;
  }
  absl::StatusOr<bool> SwapBreaker(absl::string_view account, int64_t revision,
                                   const storage::Breaker& breaker) override {
    if (away) return absl::UnavailableError("away");
    storage::AccountHealth& health = accounts.at(std::string(account));
    if (health.revision != revision) return false;
    health.breaker = breaker;
    ++health.revision;
    health.recent = health.window = {};
    return true;
  }
  absl::StatusOr<std::vector<storage::AccountReport>> List(absl::Duration) override {
    if (away) return absl::UnavailableError("away");
    std::vector<storage::AccountReport> reports;
    for (const auto& [name, health] : accounts) reports.push_back(Report(health));
    return reports;
  }
  absl::StatusOr<storage::AccountReport> Disable(absl::string_view account,
                                                 absl::string_view reason,
                                                 const storage::AuditEntry& audit) override {
    const auto found = accounts.find(std::string(account));
    if (found == accounts.end()) return absl::NotFoundError("account");
    audits.push_back(audit);
    found->second.disabled = true;
    found->second.disable_reason = std::string(reason);
    found->second.disabled_by = audit.actor;
    found->second.disable_time = now;
    return Report(found->second);
  }
  absl::StatusOr<storage::AccountReport> Enable(absl::string_view account,
                                                const storage::AuditEntry& audit) override {
    const auto found = accounts.find(std::string(account));
    if (found == accounts.end()) return absl::NotFoundError("account");
    audits.push_back(audit);
    found->second.disabled = false;
    found->second.breaker = {};
    return Report(found->second);
  }

  std::vector<storage::AuditEntry> audits;

 private:
  static storage::AccountReport Report(const storage::AccountHealth& health) {
    storage::AccountReport report;
    report.health = health;
    report.calls = health.window;
    report.total_ms = health.window.calls * 40;
    report.by_latency[2] = health.window.calls;
    return report;
  }
};

}  // namespace herald::delivery
