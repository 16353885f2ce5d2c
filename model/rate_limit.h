#pragma once

#include <array>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald {

// What a limit counts, from narrow to wide: an email waits for the narrowest limit first, so that
// mail held up by its own tenant takes nothing from what tenants share. The numbers are stored.
enum class LimitScope : int {
  kRecipientUser = 1,    // emails of a category to one user of a tenant
  kRecipientDomain = 2,  // from one sending domain to one recipient domain
  kWarmUp = 3,           // the same, while the sending domain is young
  kCategory = 4,         // of a tenant
  kTenant = 5,
  kAccount = 6,  // one provider account, over all tenants
  kGlobal = 7,
  kIngest = 8,  // emails that a tenant's callers hand in, not emails sent
};

// Those that park an email before it is handed over.
inline constexpr std::array<LimitScope, 7> kSendScopes = {
    LimitScope::kRecipientUser, LimitScope::kRecipientDomain, LimitScope::kWarmUp,
    LimitScope::kCategory,      LimitScope::kTenant,          LimitScope::kAccount,
    LimitScope::kGlobal};

// Lower-case name used on timelines, in metric labels and in the configuration.
absl::string_view LimitScopeName(LimitScope scope);

// Whether tenants share the limit.
inline bool IsShared(LimitScope scope) {
  return scope == LimitScope::kAccount || scope == LimitScope::kGlobal;
}

// So many a second on average, up to `burst` at once after a pause.
struct Rate {
  double per_second = 0;  // 0: no limit
  int burst = 0;          // 0: the user of the rate chooses
};

// At most `count` within any `window`.
struct Quota {
  int count = 0;  // 0: no limit
  absl::Duration window;
};

// A quota remembers its last `count` slots, so the count is bounded.
inline constexpr int kQuotaCountMax = 1000;

}  // namespace herald
