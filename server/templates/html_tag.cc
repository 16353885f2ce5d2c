#include "server/templates/html_tag.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace herald::templates {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }

bool EndsTagName(char c) { return IsSpace(c) || c == '/' || c == '>'; }

bool EndsAttributeName(char c) { return EndsTagName(c) || c == '='; }

bool EndsUnquotedValue(char c) { return IsSpace(c) || c == '>'; }

// The first byte from `from` on that `ends`; predicates, since tags are the hot path of rendering.
template <typename Predicate>
size_t FindEnd(absl::string_view html, size_t from, Predicate ends) {
  while (from < html.size() && !ends(html[from])) ++from;
  return from;
}

size_t SkipSpace(absl::string_view html, size_t from) {
  return FindEnd(html, from, [](char c) { return !IsSpace(c); });
}

size_t Behind(absl::string_view html, absl::string_view end, size_t from) {
  const size_t at = html.find(end, from);
  return at == absl::string_view::npos ? html.size() : at + end.size();
}

// Comments, doctypes, processing instructions, and "</" without a name.
size_t SkipDeclaration(absl::string_view html, size_t position) {
  const absl::string_view rest = html.substr(position);
  if (!absl::StartsWith(rest, "<!--")) return Behind(html, ">", position);
  if (absl::StartsWith(rest, "<!-->")) return position + 5;
  return Behind(html, "-->", position + 4);
}

// The value behind '=', quoted or not.
absl::string_view ReadValue(absl::string_view html, size_t& position) {
  position = SkipSpace(html, position);
  if (position >= html.size()) return {};
  const char quote = html[position];
  const bool quoted = quote == '"' || quote == '\'';
  const size_t begin = quoted ? position + 1 : position;
  const size_t end = quoted ? std::min(html.find(quote, begin), html.size())
                            : FindEnd(html, begin, EndsUnquotedValue);
  position = quoted ? std::min(end + 1, html.size()) : end;
  return html.substr(begin, end - begin);
}

void ReadAttributes(absl::string_view html, size_t& position, HtmlTag& tag) {
  while (position < html.size() && html[position] != '>') {
    tag.self_closing = html[position] == '/';
    if (tag.self_closing || IsSpace(html[position])) {
      ++position;
      continue;
    }
    // A name has at least one byte, which may be '='.
    const size_t name_end = FindEnd(html, position + 1, EndsAttributeName);
    const absl::string_view name = html.substr(position, name_end - position);
    position = SkipSpace(html, name_end);
    if (position >= html.size() || html[position] != '=') continue;
    const absl::string_view value = ReadValue(html, ++position);
    if (absl::EqualsIgnoreCase(name, "href")) tag.href = value;
    if (absl::EqualsIgnoreCase(name, "alt")) tag.alt = value;
    if (absl::EqualsIgnoreCase(name, "start")) tag.start = value;
  }
  position = std::min(position + 1, html.size());
}

}  // namespace

bool ReadHtmlTag(absl::string_view html, size_t& position, HtmlTag& tag) {
  const auto at = [&](size_t i) {
    return i < html.size() ? static_cast<unsigned char>(html[i]) : static_cast<unsigned char>(0);
  };
  tag.self_closing = false;
  tag.href = tag.alt = tag.start = {};
  tag.name.clear();
  const unsigned char next = at(position + 1);
  tag.closing = next == '/';
  const size_t name_begin = position + (tag.closing ? 2 : 1);
  if (!absl::ascii_isalpha(at(name_begin))) {
    if (next != '!' && next != '?' && next != '/') return false;
    position = SkipDeclaration(html, position);
    return true;
  }
  size_t end = FindEnd(html, name_begin, EndsTagName);
  tag.name.assign(html.data() + name_begin, end - name_begin);
  absl::AsciiStrToLower(&tag.name);
  ReadAttributes(html, end, tag);
  position = end;
  return true;
}

size_t FindRawTextEnd(absl::string_view html, size_t position, absl::string_view name) {
  for (;;) {
    const size_t end = html.find("</", position);
    if (end == absl::string_view::npos) return html.size();
    position = end + 2;
    if (!absl::StartsWithIgnoreCase(html.substr(position), name)) continue;
    return Behind(html, ">", position);
  }
}

}  // namespace herald::templates
