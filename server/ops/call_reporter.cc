#include "server/ops/call_reporter.h"

#include "server/ops/log.h"
#include "server/status/status_details.h"

namespace herald::ops {

void CallReporter::OnCall(absl::string_view method, const absl::Status& status,
                          absl::Duration duration) {
  metrics_.Rpc(method).Done(status.code(), duration);
  // Errors of the caller's are his to log; those with a cause are ours.
  const std::string cause = Cause(status);
  if (cause.empty()) return;
  Log(status.code() == absl::StatusCode::kInternal ? Severity::kError : Severity::kWarning,
      "call_failed",
      {{"method", method},
       {"code", absl::StatusCodeToString(status.code())},
       {"cause", cause},
       {"duration_ms", absl::ToInt64Milliseconds(duration)}});
}

}  // namespace herald::ops
