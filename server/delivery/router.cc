#include "server/delivery/router.h"

#include <utility>

namespace herald::delivery {

StaticRouter::StaticRouter(std::vector<providers::Provider*> accounts,
                           std::map<Lane, std::string> routes, providers::Provider* sandbox)
    : accounts_(std::move(accounts)), routes_(std::move(routes)), sandbox_(sandbox) {}

providers::Provider* StaticRouter::Choose(const storage::LeasedEmail& email) const {
  if (email.test) return sandbox_;
  const auto route = routes_.find(email.lane);
  return route == routes_.end() ? nullptr : Find(route->second);
}

providers::Provider* StaticRouter::Find(absl::string_view account) const {
  for (providers::Provider* provider : accounts_) {
    if (provider->account() == account) return provider;
  }
  return nullptr;
}

}  // namespace herald::delivery
