#pragma once

// Inside the library only: users see herald_client.h, which names no gRPC type.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/client_options.h"
#include "client/herald_client.h"
#include "client/retry.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "herald/v1/contact_service.grpc.pb.h"
#include "herald/v1/email_service.grpc.pb.h"
#include "herald/v1/template_service.grpc.pb.h"
#include "herald/v1/tenant_service.grpc.pb.h"

namespace herald::client {

// Whether a method may be called again after an answer was lost.
enum class Repeat { kSafe, kOnce };

// Code, message and `grpc-status-details-bin` as a status with payloads.
absl::Status FromGrpcStatus(const grpc::Status& status);

// A channel, its stubs, and the one way in which every unary call is made.
class Client::Connection {
 public:
  // `options` have a real Timing.
  Connection(ClientOptions options, const std::shared_ptr<grpc::Channel>& channel);

  // `replayed`, when given, tells whether the answer carried `herald-replayed: true`.
  template <class Service, class Request, class Response>
  absl::StatusOr<Response> Call(Service& stub,
                                grpc::Status (Service::*method)(grpc::ClientContext*,
                                                                const Request&, Response*),
                                const Request& request, Repeat repeat, const CallOptions& call,
                                bool* replayed = nullptr) const {
    Response response;
    const auto attempt = [&](absl::Duration left) {
      grpc::ClientContext context;
      Prepare(context, left, call.traceparent);
      response.Clear();
      const grpc::Status status = (stub.*method)(&context, request, &response);
      if (replayed != nullptr) *replayed = CarriesReplayed(context);
      return FromGrpcStatus(status);
    };
    const absl::Duration deadline = call.deadline.value_or(options.default_deadline);
    if (!IsUsableDeadline(deadline)) {
      return absl::InvalidArgumentError("a deadline must be positive and finite");
    }
    const absl::Status status =
        repeat == Repeat::kOnce
            ? attempt(deadline)
            : RetryWhileUnavailable(options.retry, options.timing, deadline, attempt);
    if (!status.ok()) return status;
    return response;
  }

  // Sets what every call carries: deadline, token, trace.
  void Prepare(grpc::ClientContext& context, absl::Duration left,
               const std::string& traceparent) const;

  const ClientOptions options;
  const std::unique_ptr<v1::EmailService::StubInterface> emails;
  const std::unique_ptr<v1::TemplateService::StubInterface> templates;
  const std::unique_ptr<v1::TenantService::StubInterface> tenants;
  const std::unique_ptr<v1::ContactService::StubInterface> contacts;
  const std::unique_ptr<grpc::health::v1::Health::StubInterface> health;

 private:
  static bool CarriesReplayed(const grpc::ClientContext& context);
};

}  // namespace herald::client
