#include "server/ops/call_reporter.h"

#include "server/ops/log.h"

namespace herald::ops {

void CallReporter::OnCall(absl::string_view method, absl::StatusCode code,
                           absl::Duration duration) {
  metrics_.Rpc(method).Done(code, duration);
  const bool ours = code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
                    code == absl::StatusCode::kDataLoss ||
                    code == absl::StatusCode::kUnavailable;
  if (!ours) return;
  Log(Severity::kWarning, "call_failed",
      {{"method", method},
       {"code", absl::StatusCodeToString(code)},
       {"duration_ms", absl::ToInt64Milliseconds(duration)}});
}

}  // namespace herald::ops
