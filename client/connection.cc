#include "client/connection.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/error_details.h"
#include "google/rpc/status.pb.h"

namespace herald::client {

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const absl::Status plain(static_cast<absl::StatusCode>(status.error_code()),
                           status.error_message());
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return plain;
  }
  // The transport's own code and message count, should the trailer disagree.
  details.set_code(status.error_code());
  details.set_message(status.error_message());
  return FromRpcStatus(details);
}

Client::Connection::Connection(ClientOptions connection_options,
                               const std::shared_ptr<grpc::Channel>& channel)
    : options(std::move(connection_options)),
      emails(v1::EmailService::NewStub(channel)),
      templates(v1::TemplateService::NewStub(channel)),
      tenants(v1::TenantService::NewStub(channel)),
      contacts(v1::ContactService::NewStub(channel)),
      health(grpc::health::v1::Health::NewStub(channel)) {}

void Client::Connection::Prepare(grpc::ClientContext& context, absl::Duration left,
                                 const std::string& traceparent) const {
  // gRPC measures by the machine's clock, whatever clock counts the tries.
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(left));
  if (!options.token.empty()) {
    context.AddMetadata("authorization", absl::StrCat("Bearer ", options.token));
  }
  if (!traceparent.empty()) context.AddMetadata("traceparent", traceparent);
}

bool Client::Connection::CarriesReplayed(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto found = metadata.find("herald-replayed");
  return found != metadata.end() && found->second == "true";
}

}  // namespace herald::client
