#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "model/lane.h"
#include "providers/provider.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// Chooses the provider account for an email. Thread-safe, never blocks.
class Router {
 public:
  virtual ~Router() = default;
  // The account that shall take the email now; nullptr: none can.
  virtual providers::Provider* Choose(const storage::LeasedEmail& email) const = 0;
  // An account by name; nullptr: not configured (any more).
  virtual providers::Provider* Find(absl::string_view account) const = 0;
};

// One account a lane. Emails of test tokens always go to the sandbox.
class StaticRouter final : public Router {
 public:
  // `accounts` and `sandbox` must outlive the router; `routes` names one of them for each lane.
  StaticRouter(std::vector<providers::Provider*> accounts, std::map<Lane, std::string> routes,
               providers::Provider* sandbox);

  providers::Provider* Choose(const storage::LeasedEmail& email) const override;
  providers::Provider* Find(absl::string_view account) const override;

 private:
  const std::vector<providers::Provider*> accounts_;
  const std::map<Lane, std::string> routes_;
  providers::Provider* const sandbox_;
};

}  // namespace herald::delivery
