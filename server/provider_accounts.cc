#include "server/provider_accounts.h"

#include <unistd.h>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "model/steady_time.h"
#include "providers/http/curl_http_client.h"
#include "providers/resend/resend_provider.h"
#include "providers/sandbox/sandbox_provider.h"
#include "server/delivery/measured_provider.h"

namespace herald {
namespace {

// Health has to reach the other replicas well within the 2 seconds in which breakers open.
constexpr absl::Duration kHealthInterval = absl::Milliseconds(250);
constexpr absl::Duration kRouteInterval = absl::Seconds(1);
// More than one lane has in flight (LanePolicy), so that a lane full of one tenant's emails leaves
// connections to the others instead of a line in which timeouts run.
constexpr int kOriginConnectionsMax = 512;

}  // namespace

std::vector<providers::Provider*> ProviderAccounts::pointers() const {
  std::vector<providers::Provider*> list;
  for (const auto& account : accounts) list.push_back(account.get());
  return list;
}

providers::Provider* ProviderAccounts::Find(absl::string_view name) const {
  for (const auto& account : accounts) {
    if (account->account() == name) return account.get();
  }
  return nullptr;
}

absl::StatusOr<ProviderAccounts> MakeProviderAccounts(const config::Config& config,
                                                      absl::string_view version,
                                                      delivery::HealthBoard* board) {
  ProviderAccounts made;
  const auto add = [&made, board](std::unique_ptr<providers::Provider> provider) {
    made.accounts.push_back(
        std::make_unique<delivery::MeasuredProvider>(std::move(provider), board));
  };
  providers::CurlHttpClientOptions http;
  http.origin_connections_max = kOriginConnectionsMax;
  made.http = providers::MakeCurlHttpClient(http);
  made.urgent_http = providers::MakeCurlHttpClient(http);
  for (const config::Account& account : config.accounts) {
    if (account.type == config::Account::Type::kResend) {
      providers::ResendOptions options;
      options.account = account.name;
      options.api_key = account.api_key;
      if (!account.base_url.empty()) options.base_url = account.base_url;
      options.urgent_http = made.urgent_http.get();
      options.idempotent = account.idempotency;
      options.batch = account.batch;
      options.user_agent = absl::StrCat("herald/", version);
      add(providers::MakeResendProvider(std::move(options), *made.http));
      continue;
    }
    providers::SandboxOptions options;
    options.account = account.name;
    options.directory = account.directory;
    options.webhook_url = account.webhook_url;
    options.webhook_secret = account.webhook_secret;
    options.idempotent = account.idempotency;
    options.batch = account.batch;
    auto sandbox = providers::MakeSandboxProvider(std::move(options), *made.http);
    if (!sandbox.ok()) return sandbox.status();
    add(*std::move(sandbox));
  }
  return made;
}

delivery::HealthBoard::Options HealthBoardOptions(const config::Config& config) {
  delivery::HealthBoard::Options options;
  for (const config::Account& account : config.accounts) {
    options.accounts.push_back(account.name);
    if (!account.breaker) options.unguarded.push_back(account.name);
  }
  options.policy = config.breaker;
  absl::BitGen generator;
  options.replica =
      absl::StrCat(getpid(), "-", absl::Hex(absl::Uniform<uint64_t>(generator), absl::kZeroPad16));
  options.clock = SteadyNow;
  return options;
}

std::vector<std::unique_ptr<duties::PeriodicDuty>> StartHealthDuties(
    delivery::HealthBoard& board, delivery::RouteTable& routes,
    const duties::PeriodicDuty::OnError& on_error) {
  std::vector<std::unique_ptr<duties::PeriodicDuty>> started;
  const auto start = [&](const char* name, absl::Duration interval,
                         duties::PeriodicDuty::Round round) {
    if (const auto first = round(); !first.ok()) on_error(name, first.status());
    started.push_back(
        std::make_unique<duties::PeriodicDuty>(name, interval, std::move(round), on_error));
    started.back()->Start();
  };
  start("health", kHealthInterval, [&board] { return board.Sync(); });
  start("routes", kRouteInterval, [&routes] { return routes.Refresh(); });
  return started;
}

}  // namespace herald
