#pragma once

#include "providers/provider.h"
#include "server/delivery/lane_policy.h"
#include "server/delivery/retry_policy.h"
#include "server/delivery/router.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// A hand-over that ended.
struct EndedHandOver {
  const storage::LeasedEmail& email;
  const RouteQuery& query;  // that chose the account
  const providers::Provider& provider;
  int attempt = 0;
  bool repeats = false;  // of an unconfirmed one
};

// What follows from the provider's verdict. Only an email that was definitely not taken, through
// no fault of its own, goes to another account, and at once if one of its route takes it now.
storage::Disposition DecideWithFailover(const LanePolicy& policy, const EndedHandOver& ended,
                                        const providers::SendResult& result, Router& router,
                                        const Random& random);

// Whether an account that `query` does not exclude, and that is not `account`, would take the email
// or chunk at once. Adds `account` to query->excluded.
bool TakesElsewhere(Router& router, absl::string_view account, RouteQuery* query);

}  // namespace herald::delivery
