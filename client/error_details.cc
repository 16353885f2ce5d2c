#include "client/error_details.h"

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace herald::client {
namespace {

template <class Detail>
absl::optional<Detail> ParsePayload(const absl::Status& status) {
  const std::string type_url = "type.googleapis.com/" + Detail::descriptor()->full_name();
  const absl::optional<absl::Cord> payload = status.GetPayload(type_url);
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return absl::nullopt;
  return detail;
}

}  // namespace

ErrorDetails ExtractErrorDetails(const absl::Status& status) {
  ErrorDetails details;
  if (const auto info = ParsePayload<google::rpc::ErrorInfo>(status)) {
    details.reason = info->reason();
    details.domain = info->domain();
    details.metadata.insert(info->metadata().begin(), info->metadata().end());
  }
  if (const auto bad_request = ParsePayload<google::rpc::BadRequest>(status)) {
    for (const auto& violation : bad_request->field_violations()) {
      details.violations.push_back({violation.field(), violation.description()});
    }
  }
  const auto retry = ParsePayload<google::rpc::RetryInfo>(status);
  if (retry.has_value() && retry->has_retry_delay()) {
    details.retry_delay = absl::Seconds(retry->retry_delay().seconds()) +
                          absl::Nanoseconds(retry->retry_delay().nanos());
  }
  return details;
}

absl::Status FromRpcStatus(const google::rpc::Status& rpc_status) {
  absl::Status status(static_cast<absl::StatusCode>(rpc_status.code()), rpc_status.message());
  if (status.ok()) return status;
  for (const auto& detail : rpc_status.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

}  // namespace herald::client
