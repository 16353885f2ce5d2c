#include "server/rpc/request_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace herald::rpc {
namespace {

constexpr int64_t kSecondsMin = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kSecondsMax = 253402300799;  // 9999-12-31T23:59:59Z

// Characters of UTF-8: every byte but the continuations.
size_t Characters(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

void RequestCheck::Add(absl::string_view field, absl::string_view description) {
  violations_.push_back({std::string(field), std::string(description)});
}

bool RequestCheck::Present(absl::string_view field, absl::string_view value) {
  if (!value.empty()) return true;
  Add(field, "is required");
  return false;
}

bool RequestCheck::AtMost(absl::string_view field, absl::string_view value, size_t characters_max) {
  if (Characters(value) > characters_max) {
    Add(field, absl::StrCat("has more than ", characters_max, " characters"));
    return false;
  }
  // PostgreSQL keeps no NUL in a text.
  if (value.find('\0') != absl::string_view::npos) {
    Add(field, "has a NUL");
    return false;
  }
  return true;
}

bool RequestCheck::RequiredAtMost(absl::string_view field, absl::string_view value,
                                  size_t characters_max) {
  return Present(field, value) && AtMost(field, value, characters_max);
}

absl::Status RequestCheck::status() const {
  return ok() ? absl::OkStatus() : InvalidRequest(violations_);
}

int PageSize(int asked, int fallback, int max, RequestCheck& check) {
  if (asked < 0) check.Add("page_size", "is negative");
  return asked <= 0 ? fallback : std::min(asked, max);
}

absl::optional<absl::Time> CheckTime(absl::string_view field,
                                     const google::protobuf::Timestamp& time, RequestCheck& check) {
  if (time.seconds() < kSecondsMin || time.seconds() > kSecondsMax || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    check.Add(field, "is not a time between the years 1 and 9999");
    return absl::nullopt;
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds towards the past
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  return InvalidRequest({{std::string(field), std::string(description)}});
}

}  // namespace herald::rpc
