#include "client/heraldctl/parse.h"

#include <google/protobuf/util/json_util.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/heraldctl/failure.h"
#include "client/read_file.h"

namespace herald::heraldctl {

absl::StatusOr<v1::Lane> ParseLane(absl::string_view text) {
  v1::Lane lane = v1::LANE_UNSPECIFIED;
  if (!v1::Lane_Parse("LANE_" + absl::AsciiStrToUpper(text), &lane) ||
      lane == v1::LANE_UNSPECIFIED) {
    return UsageError(
        absl::StrCat("no lane \"", text, "\": use critical, transactional, standard or bulk"));
  }
  return lane;
}

absl::StatusOr<v1::Email::State> ParseState(absl::string_view text) {
  v1::Email::State state = v1::Email::STATE_UNSPECIFIED;
  if (!v1::Email::State_Parse("STATE_" + absl::AsciiStrToUpper(text), &state) ||
      state == v1::Email::STATE_UNSPECIFIED) {
    return UsageError(absl::StrCat(
        "no state \"", text,
        "\": use scheduled, queued, sending, unconfirmed, sent, delivered, bounced, complained, "
        "failed, dead, suppressed, cancelled or expired"));
  }
  return state;
}

absl::StatusOr<v1::Mailbox> ParseMailbox(absl::string_view text) {
  v1::Mailbox mailbox;
  const size_t open = text.rfind('<');
  if (open == absl::string_view::npos) {
    mailbox.set_email(std::string(absl::StripAsciiWhitespace(text)));
  } else {
    absl::string_view address = absl::StripAsciiWhitespace(text.substr(open + 1));
    if (!absl::ConsumeSuffix(&address, ">")) {
      return UsageError("an address with a name is written \"Name <address>\"");
    }
    absl::string_view name = absl::StripAsciiWhitespace(text.substr(0, open));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
      name = name.substr(1, name.size() - 2);
    }
    mailbox.set_email(std::string(address));
    mailbox.set_name(std::string(name));
  }
  if (mailbox.email().empty()) return UsageError("an address is empty");
  return mailbox;
}

absl::StatusOr<absl::Time> ParseTime(absl::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  absl::Duration distance;
  if (absl::ParseDuration(text, &distance)) return now + distance;
  return UsageError(absl::StrCat("no time \"", text,
                                 "\": write it as 2026-01-31T09:30:00+01:00 or as a distance from "
                                 "now such as 10m or -2h"));
}

absl::StatusOr<absl::Time> ParsePastTime(absl::string_view text, absl::Time now) {
  absl::Duration distance;
  if (absl::ParseDuration(text, &distance)) return now - absl::AbsDuration(distance);
  return ParseTime(text, now);
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration <= absl::ZeroDuration() ||
      duration == absl::InfiniteDuration()) {
    return UsageError(absl::StrCat("no duration \"", text, "\": write 90s, 10m or 2h"));
  }
  return duration;
}

absl::StatusOr<google::protobuf::Struct> ParseVariables(absl::string_view text) {
  const auto json = TextOrFile(text);
  if (!json.ok()) return json.status();
  google::protobuf::Struct variables;
  if (!google::protobuf::util::JsonStringToMessage(*json, &variables).ok()) {
    return UsageError("--vars takes a JSON object, or @FILE that holds one");
  }
  return variables;
}

absl::StatusOr<std::string> TextOrFile(absl::string_view text) {
  if (absl::ConsumePrefix(&text, "@")) return ReadFile(std::string(text));
  return std::string(text);
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  absl::StatusOr<std::string> content = client::ReadFile(path);
  if (!content.ok()) return UsageError(content.status().message());
  return content;
}

absl::StatusOr<std::pair<std::string, std::string>> ParsePair(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos || equals == 0) {
    return UsageError(absl::StrCat("\"", text, "\" is not of the form name=value"));
  }
  return std::make_pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

absl::StatusOr<v1::TemplateReference> ParseTemplate(absl::string_view text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('@', 1));
  v1::TemplateReference reference;
  reference.set_key(parts.first);
  int32_t version = 0;
  if (!parts.second.empty() && (!absl::SimpleAtoi(parts.second, &version) || version < 1)) {
    return UsageError("a template is written KEY or KEY@VERSION, with a version from 1");
  }
  reference.set_version(version);
  return reference;
}

}  // namespace herald::heraldctl
