// Finds the tags of a mustache template (mustache(5), and its specification's lexical rules).
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace herald::templates {

enum class TagKind { kEscaped, kRaw, kSection, kInverted, kClose, kComment };

struct Tag {
  TagKind kind;
  // Without the surrounding white space; empty for comments. Points into the source.
  absl::string_view name;
  // Where the tag's first brace is.
  size_t begin;
  // Literal text before the tag ends here, and goes on there. For a tag that stands alone on its
  // line both lie at the line's borders, so that the line leaves no trace.
  size_t text_end;
  size_t resume;
};

// The first tag at or after `from`; nothing when only literal text is left. kInvalidArgument with
// the position for an unclosed tag, a bad name, and what Herald does not interpret.
absl::StatusOr<std::optional<Tag>> NextTag(absl::string_view source, size_t from);

// kInvalidArgument "line 3, column 7: …"; the column counts bytes.
absl::Status SyntaxError(absl::string_view source, size_t offset, absl::string_view problem);

}  // namespace herald::templates
