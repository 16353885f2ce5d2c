#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "providers/http/http_client.h"
#include "providers/provider.h"
#include "server/config/config.h"
#include "server/delivery/health_board.h"
#include "server/delivery/route_table.h"
#include "server/duties/periodic_duty.h"

namespace herald {

// The configured accounts, ready to hand over.
struct ProviderAccounts {
  // First: the accounts use them to the end. Lane CRITICAL has connections of its own.
  std::unique_ptr<providers::HttpClient> http;
  std::unique_ptr<providers::HttpClient> urgent_http;
  std::vector<std::unique_ptr<providers::Provider>> accounts;

  std::vector<providers::Provider*> pointers() const;
  // nullptr: there is none of this name.
  providers::Provider* Find(absl::string_view name) const;
};

// `board` sees every call and outlives the accounts. kInvalidArgument: a webhook secret;
// kUnavailable: a sandbox's directory.
absl::StatusOr<ProviderAccounts> MakeProviderAccounts(const config::Config& config,
                                                      absl::string_view version,
                                                      delivery::HealthBoard* board);

delivery::HealthBoard::Options HealthBoardOptions(const config::Config& config);

// Keeps this replica's view of accounts and routes close to the others'. The first rounds are over
// on return, so that a new replica begins with what the others know.
std::vector<std::unique_ptr<duties::PeriodicDuty>> StartHealthDuties(
    delivery::HealthBoard& board, delivery::RouteTable& routes,
    const duties::PeriodicDuty::OnError& on_error);

}  // namespace herald
