#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "bench/ingest/requests.h"
#include "herald/v1/email_service.grpc.pb.h"

namespace herald::bench {

// What one measurement saw. Rates and latencies leave out the warm-up; `failures` and
// `acknowledged` do not.
struct LoadResult {
  double calls_per_second = 0;
  double emails_per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  int64_t acknowledged = 0;                 // emails
  std::map<std::string, int64_t> failures;  // by gRPC code, calls and items alike
};

struct LoadShape {
  int in_flight = 0;  // calls at a time, always so many
  int batch = 0;      // 0: SendEmail; else SendEmails with so many
  absl::Duration warm_up;
  absl::Duration duration;
};

// One client process of a service: a completion queue with one thread over a few connections, and
// an idempotency key of its own for every email. Not thread-safe.
class LoadGenerator {
 public:
  // `run` tells its idempotency keys from those of others.
  LoadGenerator(const std::string& target, absl::string_view token, std::string run);

  // Returns when the last call was answered.
  LoadResult Run(const LoadShape& shape);

 private:
  const std::string authorization_;
  const OrderConfirmations requests_;
  int64_t next_order_ = 1;
  std::vector<std::unique_ptr<v1::EmailService::Stub>> stubs_;  // one a connection
};

}  // namespace herald::bench
