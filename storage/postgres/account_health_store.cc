#include "storage/postgres/account_health_store.h"

#include <string>

#include "storage/postgres/account_health_sql.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr int kAccountColumns = 13;
constexpr absl::Duration kReportWindow = absl::Seconds(10);

TransactionOptions Engine(const char* name, bool read_only = false) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = read_only, .name = name};
}

int64_t Slots(absl::Duration window) { return absl::ToInt64Milliseconds(window) / 250; }

AccountHealth ReadAccount(const pqxx::row& row) {
  AccountHealth health;
  health.account = TextOf(row[0]);
  health.breaker.state = static_cast<BreakerState>(IntOf(row[1]));
  health.breaker.reason = TextOf(row[2]);
  health.breaker.opens = IntOf(row[3]);
  health.breaker.since = TimeOf(row[4]);
  health.breaker.until = TimeOf(row[5]);
  health.breaker.prober = TextOf(row[6]);
  health.revision = Int64Of(row[7]);
  health.pause_until = TimeOf(row[8]);
  health.disabled = BoolOf(row[9]);
  health.disable_reason = TextOf(row[10]);
  health.disabled_by = TextOf(row[11]);
  health.disable_time = OptionalTimeOf(row[12]);
  return health;
}

void AddCalls(Transaction& transaction, absl::Span<const AccountCalls> calls) {
  ArrayParam accounts, revisions, classes, counts, failures, totals;
  for (const AccountCalls& call : calls) {
    accounts.AddText(call.account);
    revisions.AddInt(call.revision);
    classes.AddInt(call.latency_class);
    counts.AddInt(call.calls);
    failures.AddInt(call.failures);
    totals.AddInt(call.total_ms);
  }
  transaction.Exec(health_sql::kAddCalls, accounts.Take(), revisions.Take(), classes.Take(),
                   counts.Take(), failures.Take(), totals.Take());
}

std::vector<AccountReport> ReadReports(const pqxx::result& rows) {
  std::vector<AccountReport> reports;
  for (const pqxx::row& row : rows) {
    if (reports.empty() || reports.back().health.account != TextOf(row[0])) {
      reports.push_back({ReadAccount(row), {}, 0, {}});
    }
    AccountReport& report = reports.back();
    const int64_t calls = Int64Of(row[kAccountColumns + 1]);
    report.calls.calls += calls;
    report.calls.failures += Int64Of(row[kAccountColumns + 2]);
    report.total_ms += Int64Of(row[kAccountColumns + 3]);
    if (row[kAccountColumns].is_null()) continue;
    const auto index = static_cast<size_t>(IntOf(row[kAccountColumns]));
    if (index < report.by_latency.size()) report.by_latency[index] += calls;
  }
  return reports;
}

// After the change that `changed` is the result of: audits it and reads the account.
absl::StatusOr<AccountReport> Changed(Transaction& transaction, const pqxx::result& changed,
                                      absl::string_view account, const AuditEntry& audit) {
  if (changed.affected_rows() == 0) return absl::NotFoundError("provider account");
  transaction.Exec(kInsertAudit, audit.tenant, audit.actor, audit.action, audit.target);
  return ReadReports(transaction.Exec(health_sql::kReport, Slots(kReportWindow), account)).front();
}

}  // namespace

absl::Status PostgresAccountHealthStore::Register(absl::Span<const std::string> accounts) {
  return StoreError(RunTransaction(pool_, Engine("register_accounts"),
                                   [&](Transaction& transaction) -> absl::Status {
                                     ArrayParam names;
                                     for (const std::string& account : accounts)
                                       names.AddText(account);
                                     transaction.Exec(health_sql::kRegister, names.Take());
                                     return absl::OkStatus();
                                   }));
}

absl::StatusOr<HealthExchange> PostgresAccountHealthStore::Exchange(
    absl::Span<const AccountCalls> calls, absl::Span<const AccountPause> pauses,
    absl::Duration recent, absl::Duration window) {
  return StoreResult(RunTransaction(
      pool_, Engine("exchange_health"),
      [&](Transaction& transaction) -> absl::StatusOr<HealthExchange> {
        if (!calls.empty()) {
          AddCalls(transaction, calls);
          transaction.Exec(health_sql::kForget);
        }
        for (const AccountPause& pause : pauses) {
          transaction.Exec(health_sql::kPause, pause.account,
                           std::to_string(absl::ToDoubleSeconds(pause.pause)),
                           std::to_string(absl::ToDoubleSeconds(kAccountPauseMax)));
        }
        HealthExchange exchange;
        for (const pqxx::row& row :
             transaction.Exec(health_sql::kHealth, Slots(recent), Slots(window))) {
          AccountHealth health = ReadAccount(row);
          health.recent = {Int64Of(row[kAccountColumns]), Int64Of(row[kAccountColumns + 1])};
          health.window = {Int64Of(row[kAccountColumns + 2]), Int64Of(row[kAccountColumns + 3])};
          exchange.now = TimeOf(row[kAccountColumns + 4]);
          exchange.accounts.push_back(std::move(health));
        }
        return exchange;
      }));
}

absl::StatusOr<bool> PostgresAccountHealthStore::SwapBreaker(absl::string_view account,
                                                             int64_t revision,
                                                             const Breaker& breaker) {
  return StoreResult(RunTransaction(
      pool_, Engine("swap_breaker"), [&](Transaction& transaction) -> absl::StatusOr<bool> {
        const bool probing = breaker.state == BreakerState::kHalfOpen;
        const pqxx::result result = transaction.Exec(
            health_sql::kSwap, account, revision, static_cast<int>(breaker.state), breaker.reason,
            breaker.opens, breaker.since, breaker.until, probing ? breaker.prober : "");
        return result.affected_rows() == 1;
      }));
}

absl::StatusOr<std::vector<AccountReport>> PostgresAccountHealthStore::List(absl::Duration window) {
  return StoreResult(
      RunTransaction(pool_, Engine("list_accounts", /*read_only=*/true),
                     [&](Transaction& transaction) -> absl::StatusOr<std::vector<AccountReport>> {
                       return ReadReports(transaction.Exec(health_sql::kReport, Slots(window), ""));
                     }));
}

absl::StatusOr<AccountReport> PostgresAccountHealthStore::Disable(absl::string_view account,
                                                                  absl::string_view reason,
                                                                  const AuditEntry& audit) {
  return StoreResult(RunTransaction(pool_, Engine("disable_account"),
                                    [&](Transaction& transaction) -> absl::StatusOr<AccountReport> {
                                      return Changed(transaction,
                                                     transaction.Exec(health_sql::kDisable, account,
                                                                      reason, audit.actor),
                                                     account, audit);
                                    }));
}

absl::StatusOr<AccountReport> PostgresAccountHealthStore::Enable(absl::string_view account,
                                                                 const AuditEntry& audit) {
  return StoreResult(RunTransaction(
      pool_, Engine("enable_account"),
      [&](Transaction& transaction) -> absl::StatusOr<AccountReport> {
        return Changed(transaction, transaction.Exec(health_sql::kEnable, account), account, audit);
      }));
}

}  // namespace herald::storage
