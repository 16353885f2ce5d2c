#include "server/templates/escape_html.h"

namespace herald::templates {
namespace {

absl::string_view ReferenceFor(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

bool AppendEscapedHtml(absl::string_view text, size_t bytes_max, std::string& out) {
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::string_view reference = ReferenceFor(text[i]);
    if (reference.empty()) continue;
    out.append(text.data() + plain, i - plain);
    out.append(reference.data(), reference.size());
    plain = i + 1;
    if (out.size() > bytes_max) return false;
  }
  out.append(text.data() + plain, text.size() - plain);
  return out.size() <= bytes_max;
}

}  // namespace herald::templates
