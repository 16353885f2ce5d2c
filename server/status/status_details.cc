#include "server/status/status_details.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace herald {
namespace {

constexpr absl::string_view kErrorInfoUrl = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr absl::string_view kBadRequestUrl = "type.googleapis.com/google.rpc.BadRequest";
constexpr absl::string_view kRetryInfoUrl = "type.googleapis.com/google.rpc.RetryInfo";
constexpr absl::string_view kCauseUrl = "herald.internal/cause";
// Trailers beyond 8 KiB are dropped by peers, so violations are bounded.
constexpr size_t kViolationsMax = 20;
constexpr absl::Duration kStorageRetryDelay = absl::Seconds(1);

template <class Message>
bool GetDetail(const absl::Status& status, absl::string_view url, Message* message) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  return payload.has_value() && message->ParseFromString(std::string(*payload));
}

void SetDetail(absl::Status& status, absl::string_view url,
               const google::protobuf::Message& message) {
  status.SetPayload(url, absl::Cord(message.SerializeAsString()));
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       const ErrorMetadata& metadata) {
  absl::Status status(code, message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("herald");
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  SetDetail(status, kErrorInfoUrl, info);
  return status;
}

absl::Status InvalidRequest(const std::vector<FieldViolation>& violations) {
  std::string message = "the request is not valid";
  if (!violations.empty()) {
    absl::StrAppend(&message, ": ", violations.front().field, ": ", violations.front().description);
    if (violations.size() > 1) absl::StrAppend(&message, " (and ", violations.size() - 1, " more)");
  }
  absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, "INVALID_REQUEST", message);
  google::rpc::BadRequest details;
  for (size_t i = 0; i < std::min(violations.size(), kViolationsMax); ++i) {
    auto* violation = details.add_field_violations();
    violation->set_field(violations[i].field);
    violation->set_description(violations[i].description);
  }
  SetDetail(status, kBadRequestUrl, details);
  return status;
}

absl::Status WithMetadata(absl::Status status, const ErrorMetadata& metadata) {
  google::rpc::ErrorInfo info;
  GetDetail(status, kErrorInfoUrl, &info);
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  SetDetail(status, kErrorInfoUrl, info);
  return status;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
  info.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(delay % absl::Seconds(1))));
  SetDetail(status, kRetryInfoUrl, info);
  return status;
}

std::string ErrorReason(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  return GetDetail(status, kErrorInfoUrl, &info) ? info.reason() : "";
}

absl::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  google::rpc::RetryInfo info;
  if (!GetDetail(status, kRetryInfoUrl, &info)) return absl::nullopt;
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

absl::Status FromStorage(const absl::Status& status) {
  if (status.ok() || !ErrorReason(status).empty()) return status;
  absl::Status told;
  // Besides a broken link: lost races and limits that were hit. Each changed nothing and passes.
  if (absl::IsUnavailable(status) || absl::IsAborted(status) || absl::IsDeadlineExceeded(status)) {
    told = WithRetryDelay(MakeError(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE",
                                    "the database does not answer in time; try again"),
                          kStorageRetryDelay);
  } else {
    told = MakeError(absl::StatusCode::kInternal, "INTERNAL",
                     "an unforeseen error; it is in the server's log");
  }
  told.SetPayload(kCauseUrl, absl::Cord(absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                                                     status.message())));
  return told;
}

std::string Cause(const absl::Status& status) {
  return std::string(status.GetPayload(kCauseUrl).value_or(absl::Cord()));
}

bool IsPublicDetail(absl::string_view type_url) { return type_url != kCauseUrl; }

}  // namespace herald
