#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/ids.h"
#include "storage/tenant_store.h"

namespace herald::storage {

// Whose a suppression is: a tenant's or, nullopt, the operators', for every tenant.
using SuppressionScope = absl::optional<TenantId>;

struct Suppression {
  int64_t id = 0;
  SuppressionScope scope;
  std::string address;  // opened; empty when neither it nor the email that caused it is kept
  std::string reason;   // as in herald.suppressions
  std::string source;   // provider account, or the actor
  absl::Time create_time;
  absl::optional<absl::Time> expire_time;
};

struct NewSuppression {
  std::string address;  // normalised
  std::string reason;   // "unsubscribe" stops marketing only; not for every tenant
  absl::optional<absl::Time> expire_time;
};

struct SuppressionQuery {
  std::string reason;  // empty: any
  absl::optional<int64_t> before_id;
  absl::optional<int64_t> after_id;  // given: oldest first
  int limit = 100;
};

// Which suppression of an address is meant: see herald.suppressions.
enum class SuppressionKind { kAllMail, kMarketing };

// Stops for addresses. Thread-safe, blocking. kUnavailable from any method: the database is away;
// nothing is known to have changed, and the call may be repeated.
class SuppressionStore {
 public:
  virtual ~SuppressionStore() = default;

  // Writes it, with its audit entry and a new id, in place of the address's earlier one of that
  // kind; effective for every attempt that has not begun when this returns. One that outlasts the
  // new one stays and is returned: a permanent one is not shortened.
  virtual absl::StatusOr<Suppression> CreateSuppression(SuppressionScope scope,
                                                        const NewSuppression& suppression,
                                                        const AuditEntry& audit) = 0;
  // As CreateSuppression for each of at most 5000, in one transaction and with one audit entry.
  // Returns how many are new or changed.
  virtual absl::StatusOr<int> ImportSuppressions(SuppressionScope scope,
                                                 absl::Span<const NewSuppression> suppressions,
                                                 const AuditEntry& audit) = 0;
  // Lifts it, with its audit entry. kNotFound: there is none of that kind.
  virtual absl::Status DeleteSuppression(SuppressionScope scope, absl::string_view address,
                                         SuppressionKind kind, const AuditEntry& audit) = 0;
  // Newest first unless the query says otherwise; expired ones too.
  virtual absl::StatusOr<std::vector<Suppression>> ListSuppressions(
      SuppressionScope scope, const SuppressionQuery& query) = 0;
  // Those in force for a tenant's mail to an address, the operators' included.
  virtual absl::StatusOr<std::vector<Suppression>> CheckSuppressions(TenantId tenant,
                                                                     absl::string_view address) = 0;
};

}  // namespace herald::storage
