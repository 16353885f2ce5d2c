#include "client/heraldctl/session.h"

#include <utility>

#include "absl/time/clock.h"
#include "client/heraldctl/failure.h"

namespace herald::heraldctl {

Session::Session(const GlobalFlags& flags, Environment environment, std::ostream& out,
                 std::ostream& err)
    : flags_(flags), environment_(std::move(environment)), out_(out), err_(err) {}

absl::StatusOr<const client::Client*> Session::ForTenant() { return Connect(Who::kTenant); }
absl::StatusOr<const client::Client*> Session::ForOperator() { return Connect(Who::kOperator); }
absl::StatusOr<const client::Client*> Session::WithoutToken() { return Connect(Who::kNobody); }

absl::Time Session::now() const { return absl::Now(); }

absl::StatusOr<const client::Client*> Session::Connect(Who who) {
  auto settings = ResolveConnection(flags_.connection, environment_);
  if (!settings.ok()) return settings.status();
  client::ClientOptions options = std::move(settings->options);
  if (who == Who::kTenant) options.token = settings->token;
  if (who == Who::kOperator) options.token = settings->operator_token;
  if (who == Who::kTenant && options.token.empty()) {
    return UsageError("this needs a tenant's API token: --token, HERALD_TOKEN, or a profile");
  }
  if (who == Who::kOperator && options.token.empty()) {
    return UsageError(
        "this needs the operator's token: --operator-token, HERALD_OPERATOR_TOKEN, or a profile");
  }
  auto client = client::Client::Create(std::move(options));
  // Options that cannot work are the command line's fault, whatever their code.
  if (!client.ok()) return UsageError(client.status().message());
  client_.emplace(*std::move(client));
  return &*client_;
}

}  // namespace herald::heraldctl
