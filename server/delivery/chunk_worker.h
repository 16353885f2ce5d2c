#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/delivery/lane_worker.h"
#include "server/delivery/recording_loop.h"
#include "storage/chunk_store.h"

namespace herald::delivery {

// Delivers the chunks of one lane through providers with a batch call, beside the LaneWorker that
// delivers its single emails, with threads and capacity of its own. A chunk that cannot go as one
// (the account has no batch call, a member does not render, a repetition would not be identical) is
// broken up, and the lane's worker does the rest.
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
  struct Job {
    storage::LeasedChunk chunk;
    RouteChoice choice;
    providers::Provider* provider = nullptr;           // chosen
    std::vector<providers::OutboundMessage> messages;  // of the members
    std::unique_ptr<providers::PreparedBatch> batch;
    bool repeats = false;  // an unconfirmed hand-over, under its key
  };
  struct Recorded {
    std::shared_ptr<const storage::LeasedChunk> chunk;
    storage::ChunkEnd end;
  };
  enum class Preparation { kReady, kBreakUp, kPutOff };

  void Run();
  int Room() ABSL_LOCKS_EXCLUDED(mutex_);
  void Pause(absl::Duration at_most) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Stopping() ABSL_LOCKS_EXCLUDED(mutex_);
  void Deliver(std::vector<storage::LeasedChunk> chunks);
  Preparation Prepare(Job* job);
  bool Render(Job* job);
  RouteQuery QueryOf(const Job& job);
  bool IsLimited(const Job& job);
  bool PrepareBatch(Job* job);
  void PutOff(Job job);
  void BreakUp(const std::vector<storage::ChunkLease>& leases);
  void Begin(std::vector<Job> jobs);
  bool KeepOnly(const std::vector<EmailId>& members, Job* job);
  void HandOver(Job job, int attempt, bool too_late);
  void Release(int count) ABSL_LOCKS_EXCLUDED(mutex_);

  const Lane lane_;
  const LanePolicy policy_;
  const DeliveryParts parts_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int woken_ ABSL_GUARDED_BY(mutex_) = 0;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;

  std::unique_ptr<RecordingLoop<Recorded>> recorder_;
  std::vector<std::thread> threads_;
};

}  // namespace herald::delivery
