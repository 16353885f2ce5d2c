#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/webhook/delivery_event_sink.h"

namespace herald::webhook {

// Records events in heraldd over one gRPC channel, which reconnects by itself.
class GrpcDeliveryEventSink final : public DeliveryEventSink {
 public:
  struct Options {
    std::string target;  // "127.0.0.1:7070"
    bool tls = false;
    std::string ca_pem;    // empty with tls: the system's roots
    std::string cert_pem;  // client certificate and its key, both or neither
    std::string key_pem;
    absl::Duration record_timeout = absl::Seconds(5);
    absl::Duration ready_timeout = absl::Seconds(2);
  };
  // Gives the bearer token for each call, so that it can be rotated. Thread-safe.
  using Token = std::function<absl::StatusOr<std::string>()>;

  GrpcDeliveryEventSink(const Options& options, Token token);
  ~GrpcDeliveryEventSink() override;

  void Record(absl::Span<const ReceivedEvent> events, Done done) override;
  // Asks heraldd's health service, and tries the token where none of its calls was taken since the
  // last one that was refused for it.
  void CheckReady(Done done) override;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace herald::webhook
