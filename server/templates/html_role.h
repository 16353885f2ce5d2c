// What an element of HTML means to its plain text.
#pragma once

#include "absl/strings/string_view.h"

namespace herald::templates {

enum class HtmlRole {
  kInline,
  kParagraph,
  kBlock,
  kLineBreak,
  kRule,
  kList,
  kOrderedList,
  kItem,
  kCell,
  kLink,
  kImage,
  kPreformatted,
  kRawText,  // Its content is no markup and is dropped.
  kHidden,   // Its content is markup and is dropped.
};

// Of an element by its name, in lower case; what is not known is kInline.
HtmlRole HtmlRoleOf(absl::string_view name);

}  // namespace herald::templates
