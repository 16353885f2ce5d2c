#pragma once

#include "server/delivery/router.h"

namespace herald::support {

// Sends everything to one account, which must outlive it.
class OneAccountRouter final : public delivery::Router {
 public:
  explicit OneAccountRouter(providers::Provider* provider) : provider_(provider) {}
  delivery::RouteChoice Choose(const delivery::RouteQuery& query) override {
    delivery::RouteChoice choice;
    for (const std::string& account : query.excluded) {
      if (account == provider_->account()) return choice;
    }
    choice.provider = provider_;
    return choice;
  }
  delivery::RouteChoice ChooseAccount(absl::string_view account) override {
    delivery::RouteChoice choice;
    choice.provider = Find(account);
    return choice;
  }
  providers::Provider* Find(absl::string_view account) const override {
    return provider_->account() == account ? provider_ : nullptr;
  }

 private:
  providers::Provider* const provider_;
};

}  // namespace herald::support
