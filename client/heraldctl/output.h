#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald::heraldctl {

// Columns as wide as their widest cell, two spaces apart.
class Table {
 public:
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// `text` with control characters replaced: what a server or provider says cannot steer the
// terminal.
std::string Printable(absl::string_view text);

// One protobuf JSON object on a line of its own.
void PrintJson(std::ostream& out, const google::protobuf::Message& message);

// Local time, RFC 3339 with milliseconds.
std::string FormatLocalTime(absl::Time time);
// The same, "-" for an absent time.
std::string FormatLocalTime(bool present, const google::protobuf::Timestamp& time);

absl::Time FromProto(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp ToProto(absl::Time time);

// "QUEUED" for STATE_QUEUED: the name of an enumerator without its type's prefix.
std::string ShortName(absl::string_view prefix, absl::string_view enumerator);

}  // namespace herald::heraldctl
