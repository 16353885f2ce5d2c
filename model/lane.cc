#include "model/lane.h"

namespace herald {

absl::string_view LaneName(Lane lane) {
  switch (lane) {
    case Lane::kCritical:
      return "critical";
    case Lane::kTransactional:
      return "transactional";
    case Lane::kStandard:
      return "standard";
    case Lane::kBulk:
      return "bulk";
  }
  return "unknown";
}

absl::optional<Lane> LaneFromName(absl::string_view name) {
  for (Lane lane : kAllLanes) {
    if (LaneName(lane) == name) return lane;
  }
  return absl::nullopt;
}

}  // namespace herald
