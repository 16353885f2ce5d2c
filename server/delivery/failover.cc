#include "server/delivery/failover.h"

#include <utility>

namespace herald::delivery {

bool TakesElsewhere(Router& router, absl::string_view account, RouteQuery* query) {
  query->peek = true;
  query->excluded.emplace_back(account);
  return router.Choose(*query).provider != nullptr;
}

storage::Disposition DecideWithFailover(const LanePolicy& policy, const EndedHandOver& ended,
                                        const providers::SendResult& result, Router& router,
                                        const Random& random) {
  const storage::LeasedEmail& email = ended.email;
  AttemptFacts facts;
  facts.counted = ended.attempt - email.attempts_before_redrive - email.free_attempts;
  facts.free = email.free_attempts;
  facts.idempotency_window = ended.provider.capabilities().idempotency_window;
  RouteQuery elsewhere = ended.query;
  elsewhere.excluded = email.tried_accounts;
  const bool not_taken =
      result.outcome == Outcome::kRetryable || result.outcome == Outcome::kProviderDown;
  facts.elsewhere =
      not_taken && !ended.repeats && TakesElsewhere(router, ended.provider.account(), &elsewhere);
  storage::Disposition disposition = Decide(policy, result, facts, random);
  if (ended.repeats) return AfterRepeat(std::move(disposition));
  if (facts.elsewhere && disposition.kind == storage::Disposition::Kind::kRetry) {
    disposition.tried_accounts = std::move(elsewhere.excluded);
  }
  return disposition;
}

}  // namespace herald::delivery
