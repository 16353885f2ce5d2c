#include "server/templates/mustache_tag.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/templates/render_limits.h"

namespace herald::templates {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Refuses what other dialects put between the braces, instead of printing nothing for it.
absl::string_view NameProblem(absl::string_view name) {
  if (name.empty()) return "a tag without a name";
  if (name == ".") return {};
  if (name.size() > kNameBytesMax) return "a name longer than 128 bytes";
  if (name.front() == '.' || name.back() == '.' || absl::StrContains(name, "..")) {
    return "a dotted name with an empty segment";
  }
  for (const char c : name) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      return "white space inside a name; helpers such as {{#if x}} do not exist, write {{#x}}";
    }
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) ||
        absl::StrContains("{}<>\"'&=#^/!()|`\\", absl::string_view(&c, 1))) {
      return "a character that names cannot have";
    }
  }
  return {};
}

absl::string_view UnsupportedSigil(char sigil) {
  switch (sigil) {
    case '>':
      return "partials ({{>name}}) are not supported";
    case '=':
      return "changing the delimiters ({{= =}}) is not supported";
    case '<':
    case '$':
      return "template inheritance ({{<name}}, {{$name}}) is not supported";
    default:
      return {};
  }
}

// Reads the kind from the sigil and removes it from `content`.
TagKind TakeKind(absl::string_view& content) {
  const char sigil = content.empty() ? '\0' : content.front();
  TagKind kind = TagKind::kEscaped;
  if (sigil == '#') kind = TagKind::kSection;
  if (sigil == '^') kind = TagKind::kInverted;
  if (sigil == '/') kind = TagKind::kClose;
  if (sigil == '&') kind = TagKind::kRaw;
  if (kind != TagKind::kEscaped) content.remove_prefix(1);
  return kind;
}

// Widens the tag to its line when nothing but blanks shares that line.
void TakeStandaloneLine(absl::string_view source, Tag& tag) {
  size_t line_begin = tag.text_end;
  while (line_begin > 0 && IsBlank(source[line_begin - 1])) --line_begin;
  if (line_begin > 0 && source[line_begin - 1] != '\n') return;
  size_t next = tag.resume;
  while (next < source.size() && IsBlank(source[next])) ++next;
  const absl::string_view rest = source.substr(next);
  if (absl::StartsWith(rest, "\r\n")) {
    next += 2;
  } else if (absl::StartsWith(rest, "\n")) {
    next += 1;
  } else if (!rest.empty()) {
    return;
  }
  tag.text_end = line_begin;
  tag.resume = next;
}

}  // namespace

absl::Status SyntaxError(absl::string_view source, size_t offset, absl::string_view problem) {
  const absl::string_view before = source.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == absl::string_view::npos ? offset + 1 : offset - newline;
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line, ", column ", column, ": ", problem));
}

absl::StatusOr<std::optional<Tag>> NextTag(absl::string_view source, size_t from) {
  const size_t begin = source.find("{{", from);
  if (begin == absl::string_view::npos) return std::nullopt;
  const bool triple = absl::StartsWith(source.substr(begin), "{{{");
  const bool comment = absl::StartsWith(source.substr(begin), "{{!");
  const absl::string_view close = triple ? "}}}" : "}}";
  const size_t content_begin = begin + close.size();
  const size_t end = source.find(close, content_begin);
  if (end == absl::string_view::npos) {
    return SyntaxError(source, begin, absl::StrCat("a tag without its closing ", close));
  }
  Tag tag{TagKind::kComment, {}, begin, begin, end + close.size()};
  if (!comment) {
    absl::string_view content =
        absl::StripAsciiWhitespace(source.substr(content_begin, end - content_begin));
    if (!content.empty()) {
      const absl::string_view problem = UnsupportedSigil(content.front());
      if (!problem.empty()) return SyntaxError(source, begin, problem);
    }
    tag.kind = triple ? TagKind::kRaw : TakeKind(content);
    tag.name = absl::StripAsciiWhitespace(content);
    const absl::string_view problem = NameProblem(tag.name);
    if (!problem.empty()) return SyntaxError(source, begin, problem);
  }
  const bool printing = tag.kind == TagKind::kEscaped || tag.kind == TagKind::kRaw;
  if (!printing) TakeStandaloneLine(source, tag);
  return tag;
}

}  // namespace herald::templates
