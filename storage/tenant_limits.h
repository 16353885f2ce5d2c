#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "model/rate_limit.h"

namespace herald::storage {

struct CategoryLimits {
  std::string category;  // empty: each without an entry of its own
  Rate send;
  Quota per_user;
};

// What an operator set for a tenant. A rate or quota of 0: the service's default.
struct TenantLimits {
  TenantId tenant;
  Rate ingest;
  Rate send;
  Rate recipient_domain;
  std::vector<CategoryLimits> categories;
  absl::optional<bool> warm_up;
  absl::optional<absl::Time> update_time;  // nullopt: never set
};

}  // namespace herald::storage
