#include "server/templates/html_role.h"

#include <cstdint>

namespace herald::templates {
namespace {

// A name of up to eight bytes as a number, for a switch: tags are the hot path of rendering.
constexpr uint64_t Packed(absl::string_view name) {
  uint64_t packed = 0;
  for (const char c : name) packed = packed << 8 | static_cast<unsigned char>(c);
  return packed;
}

}  // namespace

HtmlRole HtmlRoleOf(absl::string_view name) {
  if (name.size() > 8) return name == "blockquote" ? HtmlRole::kParagraph : HtmlRole::kInline;
  switch (Packed(name)) {
    case Packed("p"):
    case Packed("h1"):
    case Packed("h2"):
    case Packed("h3"):
    case Packed("h4"):
    case Packed("h5"):
    case Packed("h6"):
    case Packed("table"):
    case Packed("dl"):
      return HtmlRole::kParagraph;
    case Packed("div"):
    case Packed("section"):
    case Packed("article"):
    case Packed("header"):
    case Packed("footer"):
    case Packed("main"):
    case Packed("center"):
    case Packed("address"):
    case Packed("tr"):
    case Packed("caption"):
    case Packed("dt"):
    case Packed("dd"):
    case Packed("form"):
    case Packed("figure"):
    case Packed("body"):
    case Packed("head"):
      return HtmlRole::kBlock;
    case Packed("br"):
      return HtmlRole::kLineBreak;
    case Packed("hr"):
      return HtmlRole::kRule;
    case Packed("ul"):
      return HtmlRole::kList;
    case Packed("ol"):
      return HtmlRole::kOrderedList;
    case Packed("li"):
      return HtmlRole::kItem;
    case Packed("td"):
    case Packed("th"):
      return HtmlRole::kCell;
    case Packed("a"):
      return HtmlRole::kLink;
    case Packed("img"):
      return HtmlRole::kImage;
    case Packed("pre"):
      return HtmlRole::kPreformatted;
    case Packed("script"):
    case Packed("style"):
    case Packed("title"):
    case Packed("textarea"):
    case Packed("iframe"):
    case Packed("noframes"):
    case Packed("noembed"):
    case Packed("xmp"):
      return HtmlRole::kRawText;
    case Packed("svg"):
    case Packed("math"):
    case Packed("template"):
    case Packed("select"):
      return HtmlRole::kHidden;
    default:
      return HtmlRole::kInline;
  }
}

}  // namespace herald::templates
