#pragma once

#include "server/duties/periodic_duty.h"
#include "server/limits/tenant_limit_cache.h"
#include "storage/rate_limit_store.h"

namespace herald::duties {

// Rounds for PeriodicDuty about rate limits. What they are given must outlive them.

// Deletes buckets that are as good as unused.
PeriodicDuty::Round PruneLimitsRound(storage::RateLimitStore* store);
// Reads what operators changed of tenants' limits.
PeriodicDuty::Round RefreshLimitsRound(limits::TenantLimitCache* cache);

}  // namespace herald::duties
