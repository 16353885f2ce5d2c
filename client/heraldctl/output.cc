#include "client/heraldctl/output.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace herald::heraldctl {
namespace {

// Columns on the screen, counting a code point as one.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void Table::Print(std::ostream& out) const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += Printable(row[i]);
      if (i + 1 < row.size()) line.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    out << absl::StripTrailingAsciiWhitespace(line) << "\n";
  }
}

std::string Printable(absl::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  return result;
}

void PrintJson(std::ostream& out, const google::protobuf::Message& message) {
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json);
  out << (status.ok() ? json : R"({"error":{"message":"the answer has no JSON form"}})") << "\n";
}

std::string FormatLocalTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez", time, absl::LocalTimeZone());
}

std::string FormatLocalTime(bool present, const google::protobuf::Timestamp& time) {
  return present ? FormatLocalTime(FromProto(time)) : "-";
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp result;
  result.set_seconds(absl::ToUnixSeconds(time));
  const absl::Duration fraction = time - absl::FromUnixSeconds(result.seconds());
  result.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(fraction)));
  return result;
}

std::string ShortName(absl::string_view prefix, absl::string_view enumerator) {
  return std::string(absl::StripPrefix(enumerator, prefix));
}

}  // namespace herald::heraldctl
