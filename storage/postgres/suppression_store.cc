#include "storage/postgres/suppression_store.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/contact.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/contact_store_sql.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/suppression_rows.h"
#include "storage/postgres/suppression_store_sql.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using Cipher = absl::StatusOr<std::shared_ptr<const TenantCipher>>;

TransactionOptions In(SuppressionScope scope, const char* name, bool read_only = false) {
  TransactionOptions options{.read_only = read_only, .name = name};
  if (scope.has_value()) {
    options.tenants = {*scope};
  } else {
    options.role = DatabaseRole::kEngine;
  }
  return options;
}

Cipher CipherOf(TenantKeys& keys, SuppressionScope scope) {
  return scope.has_value() ? keys.For(*scope) : keys.ForService();
}

void Audit(Transaction& transaction, SuppressionScope scope, const AuditEntry& audit,
           const std::string& target) {
  transaction.Exec(kInsertAudit, scope, audit.actor, audit.action, target);
}

// Rows of a put, as parameters.
struct Columns {
  ArrayParam finders, reasons, sealed, expiries;  // by hash, or by mark
};

absl::StatusOr<Columns> ColumnsOf(TenantKeys& keys, SuppressionScope scope,
                                  absl::Span<const NewSuppression> suppressions) {
  const Cipher cipher = CipherOf(keys, scope);
  if (!cipher.ok()) return cipher.status();
  Columns columns;
  for (const NewSuppression& suppression : suppressions) {
    if (scope.has_value()) {
      const std::string hash = (*cipher)->LookupHash(suppression.address);
      columns.finders.AddBytes(hash);
      columns.sealed.AddBytes(SealSuppressed(**cipher, hash, suppression.address));
    } else {
      const absl::StatusOr<int64_t> mark = keys.MarkOf(suppression.address);
      if (!mark.ok()) return mark.status();
      columns.finders.AddInt(*mark);
      columns.sealed.AddBytes(SealSuppressed(**cipher, MarkBytes(*mark), suppression.address));
    }
    columns.reasons.AddText(suppression.reason);
    columns.expiries.AddTime(suppression.expire_time);
  }
  return columns;
}

// By what an address is found in a scope.
struct Finder {
  std::shared_ptr<const TenantCipher> cipher;
  std::string hash;
  int64_t mark = 0;
};

enum class Found { kAll, kInForce };

pqxx::result FindIn(Transaction& transaction, SuppressionScope scope, const Finder& finder,
                    Found which) {
  const bool in_force = which == Found::kInForce;
  return scope.has_value()
             ? transaction.Exec(suppression_sql::kFind, *scope, ByteaText(finder.hash), in_force)
             : transaction.Exec(suppression_sql::kFindGlobal, finder.mark, in_force);
}

absl::StatusOr<Finder> FinderOf(TenantKeys& keys, SuppressionScope scope,
                                absl::string_view address) {
  Cipher cipher = CipherOf(keys, scope);
  if (!cipher.ok()) return cipher.status();
  const absl::StatusOr<int64_t> mark = keys.MarkOf(address);
  if (!mark.ok()) return mark.status();
  std::string hash = (*cipher)->LookupHash(address);
  return Finder{*std::move(cipher), std::move(hash), *mark};
}

}  // namespace

absl::StatusOr<int> PostgresSuppressionStore::ImportSuppressions(
    SuppressionScope scope, absl::Span<const NewSuppression> suppressions,
    const AuditEntry& audit) {
  if (suppressions.empty()) return 0;
  absl::StatusOr<Columns> columns = ColumnsOf(keys_, scope, suppressions);
  if (!columns.ok()) return StoreError(columns.status());
  const std::string finders = columns->finders.Take(), reasons = columns->reasons.Take(),
                    sealed = columns->sealed.Take(), expiries = columns->expiries.Take();
  absl::StatusOr<int> changed = RunTransaction(
      pool_, In(scope, "put_suppressions"), [&](Transaction& transaction) -> absl::StatusOr<int> {
        const pqxx::result rows = scope.has_value()
                                      ? transaction.Exec(suppression_sql::kPut, *scope, finders,
                                                         reasons, sealed, expiries, audit.actor)
                                      : transaction.Exec(suppression_sql::kPutGlobal, finders,
                                                         reasons, sealed, expiries, audit.actor);
        const int count = static_cast<int>(rows.size());
        if (count == 0) return 0;
        Audit(transaction, scope, audit,
              suppressions.size() == 1 ? absl::StrCat("sp_", Int64Of(rows[0][0]))
                                       : absl::StrCat(count, " addresses"));
        return count;
      });
  if (!changed.ok()) return StoreError(changed.status());
  return changed;
}

absl::StatusOr<Suppression> PostgresSuppressionStore::CreateSuppression(
    SuppressionScope scope, const NewSuppression& suppression, const AuditEntry& audit) {
  const absl::StatusOr<int> put = ImportSuppressions(scope, {&suppression, 1}, audit);
  if (!put.ok()) return put.status();
  const absl::StatusOr<Finder> finder = FinderOf(keys_, scope, suppression.address);
  if (!finder.ok()) return StoreError(finder.status());
  const absl::StatusOr<pqxx::result> rows =
      RunTransaction(pool_, In(scope, "find_suppressions", true),
                     [&](Transaction& transaction) -> absl::StatusOr<pqxx::result> {
                       return FindIn(transaction, scope, *finder, Found::kAll);
                     });
  if (!rows.ok()) return StoreError(rows.status());
  for (Suppression& found : SuppressionsOf(*rows, scope, *finder->cipher)) {
    if ((found.reason == "unsubscribe") == (suppression.reason == "unsubscribe")) return found;
  }
  return absl::UnavailableError("the suppression is gone again");
}

absl::Status PostgresSuppressionStore::DeleteSuppression(SuppressionScope scope,
                                                         absl::string_view address,
                                                         SuppressionKind kind,
                                                         const AuditEntry& audit) {
  const absl::StatusOr<Finder> finder = FinderOf(keys_, scope, address);
  if (!finder.ok()) return StoreError(finder.status());
  return StoreError(RunTransaction(
      pool_, In(scope, "delete_suppression"), [&](Transaction& transaction) -> absl::Status {
        const bool marketing = kind == SuppressionKind::kMarketing;
        const pqxx::result rows =
            scope.has_value() ? transaction.Exec(suppression_sql::kDelete, *scope,
                                                 ByteaText(finder->hash), marketing)
                              : transaction.Exec(suppression_sql::kDeleteGlobal, finder->mark);
        if (rows.empty()) return absl::NotFoundError("suppression");
        if (scope.has_value() && marketing) {  // its contact comes back with it
          transaction.Exec(contact_sql::kSetState, *scope, ByteaText(finder->hash),
                           static_cast<int>(ContactState::kSubscribed));
        }
        Audit(transaction, scope, audit, absl::StrCat("sp_", Int64Of(rows[0][0])));
        return absl::OkStatus();
      }));
}

absl::StatusOr<std::vector<Suppression>> PostgresSuppressionStore::ListSuppressions(
    SuppressionScope scope, const SuppressionQuery& query) {
  const Cipher cipher = CipherOf(keys_, scope);
  if (!cipher.ok()) return StoreError(cipher.status());
  const int64_t before = query.before_id.value_or(std::numeric_limits<int64_t>::max());
  const absl::StatusOr<pqxx::result> rows = RunTransaction(
      pool_, In(scope, "list_suppressions", true),
      [&](Transaction& transaction) -> absl::StatusOr<pqxx::result> {
        namespace sql = suppression_sql;
        if (query.after_id.has_value()) {
          return scope.has_value() ? transaction.Exec(sql::kOldest, *scope, query.reason,
                                                      *query.after_id, query.limit)
                                   : transaction.Exec(sql::kOldestGlobal, query.reason,
                                                      *query.after_id, query.limit);
        }
        return scope.has_value()
                   ? transaction.Exec(sql::kNewest, *scope, query.reason, before, query.limit)
                   : transaction.Exec(sql::kNewestGlobal, query.reason, before, query.limit);
      });
  if (!rows.ok()) return StoreError(rows.status());
  return SuppressionsOf(*rows, scope, **cipher);
}

absl::StatusOr<std::vector<Suppression>> PostgresSuppressionStore::CheckSuppressions(
    TenantId tenant, absl::string_view address) {
  std::vector<Suppression> in_force;
  for (const SuppressionScope scope : {SuppressionScope(tenant), SuppressionScope()}) {
    const absl::StatusOr<Finder> finder = FinderOf(keys_, scope, address);
    if (!finder.ok()) return StoreError(finder.status());
    const absl::StatusOr<pqxx::result> rows =
        RunTransaction(pool_, In(scope, "check_suppressions", true),
                       [&](Transaction& transaction) -> absl::StatusOr<pqxx::result> {
                         return FindIn(transaction, scope, *finder, Found::kInForce);
                       });
    if (!rows.ok()) return StoreError(rows.status());
    for (Suppression& found : SuppressionsOf(*rows, scope, *finder->cipher)) {
      in_force.push_back(std::move(found));
    }
  }
  return in_force;
}

}  // namespace herald::storage
