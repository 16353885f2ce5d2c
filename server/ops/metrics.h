#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/email_state.h"
#include "model/event.h"
#include "model/lane.h"
#include "model/outcome.h"
#include "server/ops/metrics_registry.h"

namespace prometheus {
class Counter;
class Histogram;
template <typename T>
class Family;
}  // namespace prometheus

namespace herald::ops {

// The requests of one RPC method. Safe for concurrent use.
class RpcMetrics {
 public:
  RpcMetrics(absl::string_view method, prometheus::Family<prometheus::Counter>* requests,
             prometheus::Histogram* seconds);
  void Done(absl::StatusCode code, absl::Duration took);

 private:
  static constexpr size_t kCodeCount = 17;
  const std::string method_;
  prometheus::Family<prometheus::Counter>* const requests_;
  prometheus::Histogram* const seconds_;
  // Made when a code first occurs: most methods never see most codes.
  std::array<std::atomic<prometheus::Counter*>, kCodeCount> by_code_{};
};

// The hand-overs to one provider account. Safe for concurrent use.
class AccountMetrics {
 public:
  static constexpr size_t kOutcomeCount = 5;
  AccountMetrics(const std::array<prometheus::Counter*, kOutcomeCount>& attempts,
                 prometheus::Histogram* seconds)
      : attempts_(attempts), seconds_(seconds) {}
  // One hand-over ended; `took` is the provider's time alone.
  void Attempted(Outcome outcome, absl::Duration took);

 private:
  const std::array<prometheus::Counter*, kOutcomeCount> attempts_;
  prometheus::Histogram* const seconds_;
};

// The values of the label `state` of herald_ledger_emails.
enum class LedgerColumn {
  kAccepted,
  kPending,
  kSent,
  kFailed,
  kDead,
  kSuppressed,
  kCancelled,
  kExpired
};

// The metrics of heraldd; tests/golden/metrics.txt lists their names and labels. Labels are lanes,
// states, configured account names and the like, never ids or addresses. Safe for concurrent use;
// an update costs an atomic add, that of a histogram also an uncontended lock.
class ServiceMetrics {
 public:
  explicit ServiceMetrics(absl::string_view version);
  ~ServiceMetrics();
  ServiceMetrics(const ServiceMetrics&) = delete;
  ServiceMetrics& operator=(const ServiceMetrics&) = delete;

  // Both take a lock: resolve once and keep the reference, which lives as long as this object.
  // `method` is the full name, as "herald.v1.EmailService/SendEmail", of a method that exists.
  RpcMetrics& Rpc(absl::string_view method);
  AccountMetrics& Account(absl::string_view account);

  // `state` is kQueued, kScheduled or kSuppressed; any other means that the email was found to be
  // further on when the reply to its COMMIT was lost, and counts as kQueued.
  void EmailsAccepted(Lane lane, EmailState state, int count = 1);
  // One accepting transaction carried `size` emails.
  void AcceptanceGroup(int size);

  // Set by a duty; `oldest_age` is how long the longest-waiting due email has been due.
  void QueueMeasured(Lane lane, int64_t depth, absl::Duration oldest_age);

  void AcceptedToSent(Lane lane, absl::Duration took);
  // `state` is kSent, kFailed, kDead, kSuppressed, kCancelled or kExpired. From the ledger's
  // changes, each of which one replica folds: whatever ended an email, it is counted once.
  void EmailsFinished(Lane lane, EmailState state, int64_t count = 1);
  // Set by a duty, the same on every replica.
  void LedgerMeasured(Lane lane, LedgerColumn column, int64_t emails);
  void Retried(Lane lane);
  void RenderFailed(Lane lane);
  void LeasesRescued(int count);
  void StaleOutcomes(int count);

  void DeliveryEvent(EventType type);
  void DeliveryEventDuplicate();
  void DeliveryEventUnmatched();

  void DatabaseError(absl::StatusCode code);

  MetricsRegistry& registry();

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace herald::ops
