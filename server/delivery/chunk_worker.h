#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/delivery/chunk_policy.h"
#include "server/delivery/chunk_preparation.h"
#include "server/delivery/closed_routes.h"
#include "server/delivery/lane_worker.h"
#include "server/delivery/member_hand_over.h"
#include "server/delivery/recording_loop.h"
#include "server/delivery/tenant_shares.h"
#include "storage/chunk_store.h"

namespace herald::delivery {

// Delivers the chunks of one lane, beside the LaneWorker that delivers its single emails, with
// threads and capacity of its own: in a batch call, or in a request for each member where the
// account has none. A chunk that cannot go as one (a member does not render, a repetition would not
// be identical, a limit holds some back) is broken up, and the lane's worker does the rest.
class ChunkWorker {
 public:
  // `parts.chunks` is set.
  ChunkWorker(Lane lane, LanePolicy policy, DeliveryParts parts);
  // As Drain with no time.
  ~ChunkWorker();

  // See LaneWorker.
  void Wake();
  bool Drain(absl::Time deadline);

 private:
  struct Recorded {
    std::shared_ptr<const storage::LeasedChunk> chunk;
    storage::ChunkEnd end;
    int places = 1;  // that it took up
  };

  // One of the threads, numbered from 0.
  void Run(int number);
  bool GivesWay() const;
  TenantShares::Allowance Reserve(int most) ABSL_LOCKS_EXCLUDED(mutex_);
  void Occupy(int reserved, const std::vector<storage::LeasedChunk>& chunks)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // See LaneWorker.
  void Pause(absl::Duration at_most, const TenantShares::Allowance* room = nullptr)
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool Stopping() ABSL_LOCKS_EXCLUDED(mutex_);
  void Rest(absl::Duration length) ABSL_LOCKS_EXCLUDED(mutex_);
  void Deliver(std::vector<storage::LeasedChunk> chunks, absl::Time claim_time);
  void Return(const std::vector<storage::LeasedChunk>& chunks);
  void PutOff(ChunkJob job);
  void BreakUp(const std::vector<storage::ChunkLease>& leases);
  void Begin(std::vector<ChunkJob> jobs);
  absl::StatusOr<std::vector<storage::ChunkBegin>> BeginPatiently(
      const std::vector<storage::ChunkStart>& starts, absl::Time* asked);
  void HandOver(ChunkJob job, int attempt, bool too_late);
  void HandOverSingly(ChunkJob job, std::function<void(std::vector<providers::SendResult>)> done);
  void Release(TenantId tenant, int places = 1) ABSL_LOCKS_EXCLUDED(mutex_);

  const Lane lane_;
  const LanePolicy policy_;
  const DeliveryParts parts_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int woken_ ABSL_GUARDED_BY(mutex_) = 0;
  TenantShares shares_ ABSL_GUARDED_BY(mutex_);

  const ChunkPreparation preparation_;
  ClosedRoutes closed_routes_;
  MemberHandOver members_;
  std::unique_ptr<RecordingLoop<Recorded>> recorder_;
  std::vector<std::thread> threads_;
};

}  // namespace herald::delivery
