#include "model/rate_limit.h"

namespace herald {

absl::string_view LimitScopeName(LimitScope scope) {
  switch (scope) {
    case LimitScope::kRecipientUser:
      return "recipient_user";
    case LimitScope::kRecipientDomain:
      return "recipient_domain";
    case LimitScope::kWarmUp:
      return "warm_up";
    case LimitScope::kCategory:
      return "category";
    case LimitScope::kTenant:
      return "tenant";
    case LimitScope::kAccount:
      return "account";
    case LimitScope::kGlobal:
      return "global";
    case LimitScope::kIngest:
      return "ingest";
  }
  return "unknown";
}

}  // namespace herald
