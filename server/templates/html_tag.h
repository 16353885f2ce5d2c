// Reads the markup of an HTML document one piece at a time, by the tokenization rules of the HTML
// standard as far as the text of an email needs them.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::templates {

struct HtmlTag {
  // In lower case; empty for comments, doctypes and processing instructions.
  std::string name;
  bool closing = false;
  bool self_closing = false;
  // Attribute values as written, with their character references.
  absl::string_view href;
  absl::string_view alt;
  absl::string_view start;
};

// Reads the markup at `position`, where there is a '<', and moves `position` behind it: to the end
// of the document if it never ends. False, with `position` unmoved, when that '<' is plain text.
bool ReadHtmlTag(absl::string_view html, size_t& position, HtmlTag& tag);

// Behind the next "</name", where a script or a style ends; the end of the document without one.
size_t FindRawTextEnd(absl::string_view html, size_t position, absl::string_view name);

}  // namespace herald::templates
