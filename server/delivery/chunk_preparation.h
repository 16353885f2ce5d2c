#pragma once

#include <memory>
#include <vector>

#include "server/delivery/chunk_call.h"
#include "server/delivery/lane_worker.h"
#include "storage/chunk_store.h"

namespace herald::delivery {

// A claimed chunk on its way to an account.
struct ChunkJob {
  storage::LeasedChunk chunk;
  absl::Time claim_time;  // by SteadyNow, at the latest
  RouteQuery query;
  RouteChoice choice;
  providers::Provider* provider = nullptr;           // chosen
  std::vector<providers::OutboundMessage> messages;  // of the members
  ChunkCall call;
  bool repeats = false;  // an unconfirmed hand-over, under its key
};

enum class Preparation {
  kReady,
  kBreakUp,  // its members go on alone
  kPutOff,   // no account takes it now
};

// Renders a chunk's members, chooses the account and writes the call. Thread-safe.
class ChunkPreparation {
 public:
  // `parts` outlives this.
  ChunkPreparation(Lane lane, const LanePolicy& policy, const DeliveryParts& parts)
      : lane_(lane), policy_(policy), parts_(parts) {}

  // Of a job that has its chunk.
  Preparation Prepare(ChunkJob* job) const;
  // Takes out who has left, and writes the call anew. False: break it up.
  bool KeepOnly(const std::vector<EmailId>& members, ChunkJob* job) const;

 private:
  bool Render(ChunkJob* job) const;
  RouteQuery QueryOf(const ChunkJob& job) const;
  bool IsLimited(const ChunkJob& job) const;

  const Lane lane_;
  const LanePolicy policy_;
  const DeliveryParts& parts_;
};

}  // namespace herald::delivery
