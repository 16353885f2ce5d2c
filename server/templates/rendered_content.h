// The content of one email, ready to be put into MIME.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/templates/render_limits.h"

namespace herald::templates {

// `subject` is one line without control characters, and not empty. Both `html` and `text` are
// present, but for one that was not given and is too large when derived from the other: it is
// empty.
struct RenderedContent {
  std::string subject;
  std::string html;
  std::string text;
};

// Cleans the subject and derives the part that is empty from the other one. For inline content
// (no mustache is interpreted) and as the last step of every rendering.
//
// kInvalidArgument: both parts empty, invalid UTF-8, NUL, or a subject that is empty or over its
// limit.
// kResourceExhausted: a given part over `output_bytes_max`.
absl::StatusOr<RenderedContent> CompleteParts(std::string subject, std::string html,
                                              std::string text, const RenderLimits& limits);

}  // namespace herald::templates
