#include "storage/postgres/transaction.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/postgres/error_translation.h"

namespace herald::storage {
namespace {

constexpr int kRunsMax = 3;  // of a body that lost to a concurrent transaction
constexpr char kInDoubtPayload[] = "herald.storage/in_doubt";

constexpr NamedQuery kCommit{"commit", "COMMIT"};
constexpr NamedQuery kRollback{"rollback", "ROLLBACK"};

// Everything the transaction needs, in one message.
std::string BeginScript(const TransactionOptions& options) {
  std::string script = options.read_only ? "BEGIN READ ONLY" : "BEGIN";
  absl::StrAppend(&script, ";SET LOCAL ROLE ",
                  options.role == DatabaseRole::kApi ? "herald_api" : "herald_engine",
                  ";SET LOCAL statement_timeout='5s';SET LOCAL lock_timeout='2s'"
                  ";SET LOCAL idle_in_transaction_session_timeout='10s'"
                  // Compiling a statement that runs once costs more than running it.
                  ";SET LOCAL jit=off");
  if (!options.durable) absl::StrAppend(&script, ";SET LOCAL synchronous_commit=off");
  if (!options.tenants.empty()) {
    absl::StrAppend(
        &script, ";SET LOCAL herald.tenant_id='",
        absl::StrJoin(options.tenants, ",",
                      [](std::string* out, TenantId id) { absl::StrAppend(out, id.value); }),
        "'");
  }
  return script;
}

absl::Status InDoubt(const char* name) {
  absl::Status status =
      absl::UnknownError(absl::StrCat(name, ": the link to the database broke during COMMIT"));
  status.SetPayload(kInDoubtPayload, absl::Cord("1"));
  return status;
}

// Leaves the connection fit for the next user, or discards it.
void RollBack(ConnectionPool::Lease& lease, Transaction& transaction) {
  try {
    if (lease.connection().is_open()) {
      transaction.ExecScript(kRollback);
      return;
    }
  } catch (const std::exception&) {
    // A connection that cannot roll back is not used again.
  }
  lease.Discard();
}

absl::Status Commit(const TransactionOptions& options, ConnectionPool::Lease& lease,
                    Transaction& transaction) {
  try {
    transaction.ExecScript(kCommit);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    const bool open = lease.connection().is_open();
    const bool doubt = !options.read_only && LeavesCommitInDoubt(error, open);
    if (doubt || !open || MetReadOnlyServer(error)) lease.Discard();
    if (doubt) return InDoubt(options.name);
    return TranslateError(error, open, options.name);
  }
}

// `lost_race` tells the server's kAborted from one that the body decided on.
absl::Status RunOnce(ConnectionPool& pool, const TransactionOptions& options,
                     const std::string& begin, const internal::TransactionBody& body,
                     bool* lost_race) {
  absl::StatusOr<ConnectionPool::Lease> lease = pool.Acquire();
  if (!lease.ok()) return lease.status();
  Transaction transaction(lease->connection());
  absl::Status status;
  try {
    transaction.ExecScript({options.name, begin.c_str()});
    status = body(transaction);
    if (status.ok() && transaction.lost()) {
      status = absl::InternalError(absl::StrCat(options.name, ": the body hid a failed query"));
    }
  } catch (const std::exception& error) {
    status = TranslateError(error, lease->connection().is_open(), transaction.current());
    *lost_race = absl::IsAborted(status);
    if (MetReadOnlyServer(error)) lease->Discard();
  }
  if (!status.ok()) {
    RollBack(*lease, transaction);
    return status;
  }
  status = Commit(options, *lease, transaction);
  *lost_race = absl::IsAborted(status);
  return status;
}

}  // namespace

bool IsInDoubt(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnknown &&
         status.GetPayload(kInDoubtPayload).has_value();
}

namespace internal {

absl::Status RunTransactionBody(ConnectionPool& pool, const TransactionOptions& options,
                                const TransactionBody& body) {
  const std::string begin = BeginScript(options);
  absl::Status status;
  for (int run = 0; run < kRunsMax; ++run) {
    bool lost_race = false;
    status = RunOnce(pool, options, begin, body, &lost_race);
    if (!lost_race) break;
  }
  return status;
}

}  // namespace internal

}  // namespace herald::storage
