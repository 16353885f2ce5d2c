#pragma once

#include <map>
#include <set>
#include <string>

#include "model/lane.h"
#include "model/rate_limit.h"

namespace herald::limits {

// What the service's configuration limits. The rates and the quota of a tenant are those of every
// tenant for which an operator set nothing else.
struct LimitDefaults {
  Rate ingest;
  Rate global;
  std::map<std::string, Rate> accounts;
  Rate tenant;
  Rate recipient_domain;
  Rate category;
  Quota recipient_user;
  bool warm_up = false;
  // Lanes that a limit lets pass uncounted, whoever set it.
  std::map<LimitScope, std::set<Lane>> exempt_lanes;
};

// Without a burst: so much may be sent, or handed in, at once.
inline constexpr absl::Duration kSendBurst = absl::Milliseconds(100);
inline constexpr absl::Duration kIngestBurst = absl::Seconds(1);

}  // namespace herald::limits
