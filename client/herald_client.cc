#include "client/herald_client.h"

#include <utility>

#include "client/channel.h"
#include "client/connection.h"
#include "client/retry.h"

namespace herald::client {

absl::StatusOr<Client> Client::Create(ClientOptions options) {
  if (!IsUsableDeadline(options.default_deadline)) {
    return absl::InvalidArgumentError("default_deadline must be positive and finite");
  }
  auto channel = MakeChannel(options);
  if (!channel.ok()) return channel.status();
  if (!options.timing.sleep) {
    options.timing.sleep = [channel = *channel](absl::Duration wait) {
      SleepConnecting(*channel, wait);
    };
  }
  options.timing = WithRealDefaults(std::move(options.timing));
  return Client(std::make_unique<Connection>(std::move(options), *channel));
}

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

absl::StatusOr<bool> Client::IsServing(absl::string_view service,
                                       const CallOptions& options) const {
  using Health = grpc::health::v1::Health::StubInterface;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(std::string(service));
  const auto response =
      connection_->Call(*connection_->health, &Health::Check, request, Repeat::kOnce, options);
  if (!response.ok()) return response.status();
  return response->status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

}  // namespace herald::client
