#pragma once

#include <memory>
#include <string>

#include "server/webhook/grpc_delivery_event_sink.h"
#include "server/webhook/unsubscribe_gateway.h"

namespace herald::webhook {

// Unsubscribes in heraldd over gRPC.
class GrpcUnsubscribeGateway final : public UnsubscribeGateway {
 public:
  GrpcUnsubscribeGateway(const GrpcDeliveryEventSink::Options& options,
                         GrpcDeliveryEventSink::Token token);
  ~GrpcUnsubscribeGateway() override;

  void Resolve(const std::string& token, Done done) override;
  void Unsubscribe(const std::string& token, const Selection& selection, Done done) override;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace herald::webhook
