#pragma once

#include <string>
#include <vector>

#include "server/delivery/health_board.h"
#include "server/delivery/retry_policy.h"
#include "server/delivery/route_table.h"
#include "server/delivery/router.h"

namespace herald::delivery {

// Routes by health, capability, order, cost and weight, in this order.
class AccountRouter final : public Router {
 public:
  // All must outlive the router; `sandbox` may be nullptr: then test mail goes nowhere.
  AccountRouter(const std::vector<providers::Provider*>& accounts, providers::Provider* sandbox,
                const RouteTable* table, HealthBoard* board, Random random);

  RouteChoice Choose(const RouteQuery& query) override;
  RouteChoice ChooseAccount(absl::string_view account) override;
  providers::Provider* Find(absl::string_view account) const override;

 private:
  // Known apart from the provider: the last outcomes arrive while providers are being destroyed.
  struct Account {
    std::string name;
    providers::Capabilities capabilities;
    providers::Provider* provider = nullptr;
  };
  struct Candidate {
    const RouteStep* step = nullptr;
    providers::Provider* provider = nullptr;
  };
  const Account* FindAccount(absl::string_view name) const;
  // The best of `candidates`, which are in the order of the route and admitted.
  size_t Pick(const std::vector<Candidate>& candidates) const;

  std::vector<Account> accounts_;  // constant after construction
  providers::Provider* const sandbox_;
  const std::string sandbox_name_;
  const RouteTable* const table_;
  HealthBoard* const board_;
  const Random random_;
};

}  // namespace herald::delivery
