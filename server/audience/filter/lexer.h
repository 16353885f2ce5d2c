#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace herald::audience {

// One token of a filter, and where it begins.
struct FilterToken {
  enum class Kind {
    kWord,      // letters, digits and _ . + - /: fields, keywords, numbers, bare values
    kString,    // in quotes; `text` is what they mean
    kOperator,  // = != < <= > >= :
    kStar,
    kOpen,
    kClose,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  size_t offset = 0;  // in bytes
};

// The tokens of `filter`, kEnd last. kInvalidArgument with the place.
absl::StatusOr<std::vector<FilterToken>> TokenizeFilter(absl::string_view filter);

// "at character 17: <what>", counting from 1 in characters of UTF-8.
absl::Status FilterError(absl::string_view filter, size_t offset, absl::string_view what);

}  // namespace herald::audience
