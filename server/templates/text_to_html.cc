#include "server/templates/text_to_html.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "server/templates/escape_html.h"

namespace herald::templates {
namespace {

void Escape(absl::string_view text, std::string& out) {
  AppendEscapedHtml(text, std::numeric_limits<size_t>::max(), out);
}

// Bytes of the URL that `text` starts with, 0 for none. Punctuation that ends a sentence is no
// part.
size_t UrlLength(absl::string_view text) {
  if (!absl::StartsWith(text, "https://") && !absl::StartsWith(text, "http://")) return 0;
  const size_t host = text.find("//") + 2;
  size_t end = std::min(text.find_first_of(" \t\n<>\"'", host), text.size());
  while (end > host && absl::StrContains(".,;:!?)]", text.substr(end - 1, 1))) --end;
  return end > host ? end : 0;
}

void AppendLine(absl::string_view line, std::string& out) {
  while (!line.empty()) {
    const size_t url = line.find("http");
    Escape(line.substr(0, url), out);
    if (url == absl::string_view::npos) return;
    line.remove_prefix(url);
    const size_t length = UrlLength(line);
    if (length > 0) {
      out += "<a href=\"";
      Escape(line.substr(0, length), out);
      out += "\">";
      Escape(line.substr(0, length), out);
      out += "</a>";
    }
    const size_t plain = length > 0 ? 0 : 4;
    Escape(line.substr(0, plain), out);
    line.remove_prefix(length + plain);
  }
}

}  // namespace

std::string TextToHtml(absl::string_view text) {
  const std::string unified = absl::StrReplaceAll(text, {{"\r\n", "\n"}, {"\r", "\n"}});
  std::string out = "<!DOCTYPE html>\n<html>\n<body>\n";
  bool in_paragraph = false;
  for (const absl::string_view line : absl::StrSplit(unified, '\n')) {
    const absl::string_view content = absl::StripTrailingAsciiWhitespace(line);
    if (content.empty()) {
      if (in_paragraph) out += "</p>\n";
      in_paragraph = false;
      continue;
    }
    out += in_paragraph ? "<br>\n" : "<p>";
    in_paragraph = true;
    AppendLine(content, out);
  }
  if (in_paragraph) out += "</p>\n";
  return out + "</body>\n</html>\n";
}

}  // namespace herald::templates
