#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/delivery/closed_routes.h"
#include "server/delivery/delivery_observer.h"
#include "server/delivery/lane_policy.h"
#include "server/delivery/outcome_recorder.h"
#include "server/delivery/rate_limiter.h"
#include "server/delivery/renderer.h"
#include "server/delivery/retry_policy.h"
#include "server/delivery/router.h"
#include "server/delivery/tenant_shares.h"
#include "server/delivery/urgent_traffic.h"
#include "storage/chunk_store.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// What every lane's worker shares. All must outlive the workers.
struct DeliveryParts {
  storage::QueueStore* store = nullptr;
  storage::ChunkStore* chunks = nullptr;  // of a lane that has them
  const Renderer* renderer = nullptr;
  Router* router = nullptr;
  // A tenant's own policy for a lane, if it has one; may be empty. Thread-safe, never blocks.
  std::function<absl::optional<UnconfirmedPolicy>(TenantId, Lane)> unconfirmed_of;
  const RateLimiter* limiter = nullptr;  // nullptr: no limits
  DeliveryObserver* observer = nullptr;
  UrgentTraffic* urgent = nullptr;  // of the engine; nullptr: nothing is urgent
  std::function<absl::Time()> clock;
  Random random;
  // A lease must outlast a hand-over and its recording.
  absl::Duration lease = absl::Seconds(90);
  absl::Duration provider_timeout = absl::Seconds(20);
};

// Delivers one lane with threads and capacity of its own: claim, look again, render, route, record
// the attempt, hand over, record the outcome.
class LaneWorker {
 public:
  LaneWorker(Lane lane, LanePolicy policy, DeliveryParts parts);
  // As Drain with no time.
  ~LaneWorker();

  // Something fell due just now: look at once instead of at the next poll.
  void Wake();
  // Claims nothing more, gives unstarted leases back and waits for what is in flight, until
  // `deadline`. True when nothing is left.
  bool Drain(absl::Time deadline);

 private:
  // One email between its claim and the recording of its end.
  struct Job {
    std::shared_ptr<const storage::LeasedEmail> email;
    providers::Provider* provider = nullptr;
    providers::OutboundMessage message;
    RouteQuery query;
    std::unique_ptr<providers::PreparedMessage> prepared;
    std::string digest;
    bool repeats = false;  // an unconfirmed hand-over, under its key
  };

  void Run();
  TenantShares::Allowance Room() ABSL_LOCKS_EXCLUDED(mutex_);
  // Until `at_most` is over, or it is woken, or a claim is worthwhile that was not with `room`.
  void Pause(absl::Duration at_most, const TenantShares::Allowance* room = nullptr)
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool Stopping() ABSL_LOCKS_EXCLUDED(mutex_);
  void HoldBackLastClaims(std::vector<storage::LeasedEmail>& emails) ABSL_LOCKS_EXCLUDED(mutex_);
  void IsolateSuspect(std::vector<storage::LeasedEmail>& emails);
  void Deliver(std::vector<storage::LeasedEmail> emails);
  bool Prepare(const std::shared_ptr<const storage::LeasedEmail>& email, Job* job);
  bool Route(Job* job);
  bool PrepareUnconfirmed(const storage::LeasedEmail& email, Job* job);
  std::vector<Job> Limit(std::vector<Job> jobs);
  void PutOff(const std::vector<Job>& jobs);
  void Begin(std::vector<Job> jobs);
  absl::StatusOr<std::vector<storage::BeginResult>> BeginPatiently(
      const std::vector<storage::AttemptStart>& starts, absl::Time* asked);
  void ParkPatiently(const std::vector<storage::ParkedEmail>& emails);
  void AskPatiently(absl::string_view step, const std::function<absl::Status()>& ask)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void HandOver(Job job, int attempt);
  void EndUnsent(const Job& job, int attempt);
  void End(const std::shared_ptr<const storage::LeasedEmail>& email, storage::AttemptEnd end);
  void EndWithoutAttempt(const std::shared_ptr<const storage::LeasedEmail>& email,
                         storage::Disposition disposition);
  void Release(const storage::Lease& lease) ABSL_LOCKS_EXCLUDED(mutex_);

  const Lane lane_;
  const LanePolicy policy_;
  const DeliveryParts parts_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  TenantShares shares_ ABSL_GUARDED_BY(mutex_);
  absl::optional<EmailId> last_claim_ ABSL_GUARDED_BY(mutex_);  // in flight, see HoldBackLastClaims

  ClosedRoutes closed_routes_;
  std::unique_ptr<OutcomeRecorder> recorder_;
  std::vector<std::thread> threads_;
};

}  // namespace herald::delivery
