#include "server/rpc/call_metadata.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace herald::rpc {
namespace {

absl::string_view Find(const grpc::ServerContextBase& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  return {found->second.data(), found->second.size()};
}

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsHexId(absl::string_view text) {
  return IsLowerHex(text) && text.find_first_not_of('0') != absl::string_view::npos;
}

}  // namespace

absl::string_view BearerToken(const grpc::ServerContextBase& context) {
  constexpr absl::string_view kScheme = "bearer ";
  const absl::string_view value = Find(context, "authorization");
  // The scheme's case does not matter (RFC 9110 11.1).
  if (!absl::StartsWithIgnoreCase(value, kScheme)) return {};
  return value.substr(kScheme.size());
}

absl::string_view TraceParent(const grpc::ServerContextBase& context) {
  const absl::string_view value = Find(context, "traceparent");
  return IsTraceParent(value) ? value : absl::string_view();
}

absl::Time Deadline(const grpc::ServerContextBase& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return absl::InfiniteFuture();
  }
  return absl::FromChrono(context.deadline());
}

bool IsTraceParent(absl::string_view text) {
  return text.size() == 55 && absl::StartsWith(text, "00-") && text[35] == '-' && text[52] == '-' &&
         IsHexId(text.substr(3, 32)) && IsHexId(text.substr(36, 16)) && IsLowerHex(text.substr(53));
}

}  // namespace herald::rpc
