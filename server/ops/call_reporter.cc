#include "server/ops/call_reporter.h"

#include "server/ops/log.h"
#include "server/status/status_details.h"

namespace herald::ops {
namespace {

Severity SeverityOf(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInternal ? Severity::kError : Severity::kWarning;
}

}  // namespace

void CallReporter::OnCall(absl::string_view method, const absl::Status& status,
                          absl::Duration duration) {
  metrics_.Rpc(method).Done(status.code(), duration);
  // Errors of the caller's are his to log; those with a cause are ours.
  const std::string cause = Cause(status);
  if (cause.empty()) return;
  Log(SeverityOf(status), "call_failed",
      {{"method", method},
       {"code", absl::StatusCodeToString(status.code())},
       {"cause", cause},
       {"duration_ms", absl::ToInt64Milliseconds(duration)}});
}

void CallReporter::OnFailedItem(absl::string_view method, const absl::Status& status) {
  Log(SeverityOf(status), "item_failed",
      {{"method", method},
       {"code", absl::StatusCodeToString(status.code())},
       {"cause", Cause(status)}});
}

}  // namespace herald::ops
