#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/email_state.h"
#include "model/outcome.h"
#include "model/rate_limit.h"
#include "providers/provider.h"
#include "storage/chunk_store.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// Sees what the engine does; for metrics and logs. Thread-safe, must not block. Every method has an
// empty default.
class DeliveryObserver {
 public:
  virtual ~DeliveryObserver() = default;
  // A provider answered.
  virtual void OnHandedOver(const storage::LeasedEmail& /*email*/, absl::string_view /*account*/,
                            int /*attempt*/, const providers::SendResult& /*result*/,
                            absl::Duration /*took*/) {}
  // An end was recorded; `since_due` runs from acceptance, or from send_time if that was later.
  virtual void OnRecorded(const storage::LeasedEmail& /*email*/, const storage::AttemptEnd& /*end*/,
                          absl::Duration /*since_due*/) {}
  // The same of a chunk: one result for each member, in order.
  virtual void OnChunkHandedOver(const storage::LeasedChunk& /*chunk*/,
                                 absl::string_view /*account*/, int /*attempt*/,
                                 absl::Span<const providers::SendResult> /*results*/,
                                 absl::Duration /*took*/) {}
  virtual void OnChunkRecorded(const storage::LeasedChunk& /*chunk*/,
                               const storage::ChunkEnd& /*end*/, absl::Time /*now*/) {}
  virtual void OnChunkStale(const storage::LeasedChunk& /*chunk*/) {}
  // Found cancelled, suppressed or expired as `state` when it was about to be handed over.
  virtual void OnStopped(const storage::LeasedEmail& /*email*/, EmailState /*state*/) {}
  // An outcome came too late: the lease had been taken over, nothing was changed.
  virtual void OnStale(const storage::LeasedEmail& /*email*/) {}
  virtual void OnRenderFailure(const storage::LeasedEmail& /*email*/,
                               const absl::Status& /*status*/) {}
  // A limit makes it wait so long.
  virtual void OnParked(const storage::LeasedEmail& /*email*/, LimitScope /*limit*/,
                        absl::Duration /*delay*/) {}
  // The database did not answer; the engine tries again.
  virtual void OnStorageError(absl::string_view /*step*/, const absl::Status& /*status*/) {}
};

}  // namespace herald::delivery
