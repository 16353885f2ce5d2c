#pragma once

#include <array>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace herald {

// Urgency class of an email. The numbers are stored and sent on the wire: never reuse one.
enum class Lane : int {
  kCritical = 1,       // one-time passwords, password resets, security alerts
  kTransactional = 2,  // receipts, order updates
  kStandard = 3,       // digests, onboarding
  kBulk = 4,           // campaigns
};

inline constexpr std::array<Lane, 4> kAllLanes = {Lane::kCritical, Lane::kTransactional,
                                                  Lane::kStandard, Lane::kBulk};

// Lower-case name used in logs, metric labels and configuration.
absl::string_view LaneName(Lane lane);
absl::optional<Lane> LaneFromName(absl::string_view name);

}  // namespace herald
