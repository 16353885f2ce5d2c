// The plain-text part of an email that has only HTML.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::templates {

// Paragraphs, headings, lists, `text (url)` for links, `a | b` for table cells; script, style and
// head are dropped, character references decoded, white space collapsed.
//
// One pass over the tags in linear time and constant stack, never longer than a small multiple of
// the input; any bytes are accepted. See docs/adr/2026-11-21-linear-html-to-text.md.
std::string HtmlToText(absl::string_view html);

}  // namespace herald::templates
