#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/audience/filter/lexer.h"
#include "storage/contact_filter.h"

namespace herald::audience {

// What `<field> <comparison> <value>` means. kInvalidArgument with the place in `filter`: a field
// that does not exist, or a comparison or value that it does not take.
absl::StatusOr<storage::FilterNode> MakeTerm(absl::string_view filter, const FilterToken& field,
                                             const FilterToken& comparison,
                                             const FilterToken& value);

}  // namespace herald::audience
