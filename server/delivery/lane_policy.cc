#include "server/delivery/lane_policy.h"

namespace herald::delivery {

LanePolicy DefaultLanePolicy(Lane lane) {
  LanePolicy policy;
  switch (lane) {
    case Lane::kCritical:
      policy.lifetime = absl::Minutes(15);
      policy.backoff_cap = absl::Seconds(30);
      policy.attempts_max = 20;
      policy.evidence_wait = absl::Seconds(30);
      policy.unconfirmed = UnconfirmedPolicy::kResend;
      break;
    case Lane::kTransactional:
      policy.lifetime = absl::Hours(24);
      policy.attempts_max = 12;
      break;
    case Lane::kStandard:
      policy.lifetime = absl::Hours(48);
      policy.attempts_max = 12;
      policy.backoff_cap = absl::Minutes(30);
      break;
    case Lane::kBulk:
      policy.lifetime = absl::Hours(72);
      policy.backoff_cap = absl::Hours(1);
      policy.evidence_wait = absl::Hours(1);
      policy.low_priority = true;
      policy.share_beside_critical = 0.5;
      // Few and large transactions: nobody waits for a campaign's chunk.
      policy.chunk_claim = 8;
      policy.chunks_in_flight_max = 96;
      break;
  }
  return policy;
}

}  // namespace herald::delivery
