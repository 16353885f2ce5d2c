#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "server/webhook/grpc_delivery_event_sink.h"

namespace herald::webhook {

// A channel to heraldd that reconnects by itself and repeats nothing. Internal to the grpc_*.cc.
std::shared_ptr<grpc::Channel> Connect(const GrpcDeliveryEventSink::Options& options);

}  // namespace herald::webhook
