#pragma once

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/contact_filter.h"

namespace herald::storage {

// A filter as a condition on `herald.contacts c`: never NULL, always in parentheses. Every value is
// an element of one text array, `($2::text[])[n]`, so that no value is ever part of the SQL.
struct ContactCondition {
  std::string sql;
  std::string values;  // the array, for $2
};

// `hash` gives the look-up hash of a normalised address.
ContactCondition CompileContactFilter(const FilterNode& filter,
                                      const std::function<std::string(absl::string_view)>& hash);

}  // namespace herald::storage
