#pragma once

// Includes libpqxx: only for sources of this folder.

#include <functional>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/ids.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/kept_queries.h"
#include "storage/postgres/named_query.h"
#include "storage/postgres/query_params.h"

namespace herald::storage {

enum class DatabaseRole {
  kApi,     // sees the rows of `tenants` only, by row-level security
  kEngine,  // sees every tenant
};

struct TransactionOptions {
  DatabaseRole role = DatabaseRole::kApi;
  std::vector<TenantId> tenants = {};  // of kApi
  bool read_only = false;
  const char* name = "";  // for error texts
  // False: COMMIT does not wait for the disk. A server that crashes within the next second may
  // forget the transaction, but then also all that was committed after it.
  bool durable = true;
};

// An open transaction, as the function given to RunTransaction sees it. Exec throws libpqxx's
// exceptions, which RunTransaction translates: let them pass. After one the transaction is lost.
class Transaction {
 public:
  explicit Transaction(pqxx::connection_base& connection) : work_(connection) {}

  // Parameters: integers, bool, text, absl::Time, ids, and optionals of them. Text by value is
  // moved, so give std::move(array). Bytes go through ByteaText. No parameter holds a NUL byte.
  template <class... Args>
  pqxx::result Exec(const NamedQuery& query, Args&&... args) {
    return Run(query.name, query.sql, std::forward<Args>(args)...);
  }
  template <class... Args>
  pqxx::result Call(const KeptQuery& query, Args&&... args) {
    return Run(query.name, KeptCall(query), std::forward<Args>(args)...);
  }

  // One round trip, no parameters, several statements.
  void ExecScript(const NamedQuery& script) {
    Begin(script.name);
    work_.exec(script.sql);
    lost_ = false;
  }

  // The query that ran last.
  const char* current() const { return current_; }
  // Whether a statement threw: a COMMIT would silently roll back.
  bool lost() const { return lost_; }

 private:
  template <class Sql, class... Args>
  pqxx::result Run(const char* name, const Sql& sql, Args&&... args) {
    Begin(name);
    pqxx::result result = work_.exec_params(sql, ToParam(std::forward<Args>(args))...);
    lost_ = false;
    return result;
  }
  void Begin(const char* name) {
    current_ = name;
    lost_ = true;
  }

  pqxx::nontransaction work_;  // BEGIN and COMMIT are ours
  const char* current_ = "";
  bool lost_ = false;
};

// True for the kUnknown of a COMMIT whose reply was lost: the transaction may have happened. The
// caller finds out by reading what it wrote; RunTransaction never runs such a transaction again.
bool IsInDoubt(const absl::Status& status);

namespace internal {
using TransactionBody = std::function<absl::Status(Transaction&)>;
absl::Status RunTransactionBody(ConnectionPool& pool, const TransactionOptions& options,
                                const TransactionBody& body);
}  // namespace internal

// Runs `body(Transaction&)`, which returns absl::Status or absl::StatusOr<T>, in one transaction:
// commits when it returns OK, rolls back and returns its status otherwise. Opening and committing
// cost one round trip each; the transaction's role, tenants and time limits (statement 5 s, lock
// 2 s, idle 10 s) are local to it.
//
// Nothing was changed, unless said:
//   kUnavailable         no connection, the link broke, or the server is out of resources or takes
//                        no writes; a link to such a server is not lent again
//   kUnknown             the link broke during COMMIT: see IsInDoubt; never for read_only
//   kAborted             serialization failure or deadlock; the body was run 3 times, so it must be
//                        repeatable
//   kDeadlineExceeded    a statement or lock limit was hit
//   kAlreadyExists       unique violation
//   kInvalidArgument     other constraint violations and bad data
//   kInternal            SQL errors, missing privileges
template <class F>
auto RunTransaction(ConnectionPool& pool, const TransactionOptions& options, F&& body)
    -> std::invoke_result_t<F&, Transaction&> {
  using Result = std::invoke_result_t<F&, Transaction&>;
  if constexpr (std::is_same_v<Result, absl::Status>) {
    return internal::RunTransactionBody(pool, options, std::ref(body));
  } else {
    Result result = absl::UnknownError("the body did not run");
    const absl::Status status =
        internal::RunTransactionBody(pool, options, [&](Transaction& transaction) {
          result = body(transaction);
          return result.status();
        });
    if (!status.ok()) return status;
    return result;
  }
}

}  // namespace herald::storage
