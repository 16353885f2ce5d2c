#include "client/heraldctl/profile.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

absl::StatusOr<Profile> ParseJson(const std::string& path, const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return UsageError(absl::StrCat("the profile ", path, " is not JSON"));
  Profile profile;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) {
      return UsageError(absl::StrCat("the profile ", path, " holds a value that is no string"));
    }
    profile[name] = value.get<std::string>();
  }
  return profile;
}

absl::string_view Unquote(absl::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                      (value.front() == '"' || value.front() == '\'');
  return quoted ? value.substr(1, value.size() - 2) : value;
}

absl::StatusOr<Profile> ParseLines(const std::string& path, const std::string& text) {
  Profile profile;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    absl::ConsumePrefix(&line, "export ");
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {
      return UsageError(absl::StrCat("the profile ", path, " has no name=value in line ", number));
    }
    const absl::string_view name = absl::StripAsciiWhitespace(line.substr(0, equals));
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(equals + 1));
    profile[std::string(name)] = std::string(Unquote(value));
  }
  return profile;
}

}  // namespace

absl::StatusOr<Profile> ReadProfile(const std::string& path) {
  const auto text = ReadFile(path);
  if (!text.ok()) return text.status();
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(*text);
  return !start.empty() && start.front() == '{' ? ParseJson(path, *text) : ParseLines(path, *text);
}

}  // namespace herald::heraldctl
