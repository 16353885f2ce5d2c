#include "server/webhook/form.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace herald::webhook {
namespace {

// The page of choices has a field for each ticked category of a tenant, of which there are up to
// 100, and one for the button.
constexpr size_t kFieldsMax = 128;
constexpr size_t kBoundaryMax = 70;  // RFC 2046 5.1.1

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

absl::optional<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return absl::nullopt;
    const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return absl::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

absl::optional<Form> ParseUrlEncoded(absl::string_view body) {
  Form form;
  for (absl::string_view pair : absl::StrSplit(body, '&', absl::SkipEmpty())) {
    if (form.size() == kFieldsMax) return absl::nullopt;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    auto name = PercentDecode(parts.first), value = PercentDecode(parts.second);
    if (!name.has_value() || !value.has_value()) return absl::nullopt;
    form.emplace_back(*std::move(name), *std::move(value));
  }
  return form;
}

// The value of a parameter of a header such as `form-data; name="a"`; empty when it has none.
absl::string_view Parameter(absl::string_view header, absl::string_view name) {
  for (absl::string_view part : absl::StrSplit(header, ';')) {
    part = absl::StripAsciiWhitespace(part);
    const size_t equals = part.find('=');
    if (equals == part.npos || !absl::EqualsIgnoreCase(part.substr(0, equals), name)) continue;
    absl::string_view value = part.substr(equals + 1);
    if (absl::ConsumePrefix(&value, "\"")) absl::ConsumeSuffix(&value, "\"");
    return value;
  }
  return "";
}

// A part between two boundaries: header lines, an empty line, the value.
absl::optional<std::pair<std::string, std::string>> ParsePart(absl::string_view part) {
  const size_t end = part.find("\r\n\r\n");
  if (end == part.npos) return absl::nullopt;
  for (absl::string_view line : absl::StrSplit(part.substr(0, end), "\r\n")) {
    const size_t colon = line.find(':');
    if (colon == line.npos ||
        !absl::EqualsIgnoreCase(line.substr(0, colon), "Content-Disposition")) {
      continue;
    }
    const absl::string_view name = Parameter(line.substr(colon + 1), "name");
    return std::make_pair(std::string(name), std::string(part.substr(end + 4)));
  }
  return absl::nullopt;
}

absl::optional<Form> ParseMultipart(absl::string_view boundary, absl::string_view body) {
  if (boundary.empty() || boundary.size() > kBoundaryMax) return absl::nullopt;
  // A delimiter begins a line; the first one may begin the body.
  const std::string delimiter = absl::StrCat("\r\n--", boundary);
  if (!absl::ConsumePrefix(&body, delimiter.substr(2))) {
    const size_t first = body.find(delimiter);
    if (first == body.npos) return absl::nullopt;
    body.remove_prefix(first + delimiter.size());
  }
  Form form;
  while (!absl::StartsWith(body, "--")) {
    if (form.size() == kFieldsMax || !absl::ConsumePrefix(&body, "\r\n")) return absl::nullopt;
    const size_t end = body.find(delimiter);
    if (end == body.npos) return absl::nullopt;
    auto field = ParsePart(body.substr(0, end));
    if (!field.has_value()) return absl::nullopt;
    form.push_back(*std::move(field));
    body.remove_prefix(end + delimiter.size());
  }
  return form;
}

}  // namespace

absl::optional<Form> ParseForm(absl::string_view content_type, absl::string_view body) {
  const absl::string_view type =
      absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
  if (type.empty() || absl::EqualsIgnoreCase(type, "application/x-www-form-urlencoded")) {
    return ParseUrlEncoded(absl::StripTrailingAsciiWhitespace(body));
  }
  if (!absl::EqualsIgnoreCase(type, "multipart/form-data")) return absl::nullopt;
  return ParseMultipart(Parameter(content_type, "boundary"), body);
}

absl::optional<std::string> FieldOf(const Form& form, absl::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return absl::nullopt;
}

}  // namespace herald::webhook
