#pragma once

#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "storage/contact.h"

namespace herald::storage {

// A filter over contacts as the parser leaves it and the store compiles it: always true or false,
// never unknown. What a contact does not have equals nothing and compares as false, so that NOT of
// it is true. Made by audience::ParseFilter, which keeps it within limits.

enum class Comparison { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// The contact has this tag.
struct HasTag {
  std::string tag;
};
// The contact has any tag.
struct HasAnyTag {};
struct HasState {
  ContactState state = ContactState::kSubscribed;
};
// A text of the contact is this one; the empty text is one that the contact does not have.
struct TextIs {
  enum class Field { kUserId, kLocale, kTimeZone } field = Field::kUserId;
  std::string text;
};
struct EmailIs {
  std::string normalised;
};
struct TimeCompares {
  enum class Field { kCreateTime, kUpdateTime } field = Field::kCreateTime;
  Comparison comparison = Comparison::kEqual;
  absl::Time time;
};

using AttributePath = std::vector<std::string>;  // names from the outside in, at least one
using Scalar = std::variant<bool, double, std::string>;

// Something other than null is there.
struct HasAttribute {
  AttributePath path;
};
// A value of the same type is there and compares so: numbers by value, texts by their bytes.
// Booleans only with kEqual.
struct AttributeCompares {
  AttributePath path;
  Comparison comparison = Comparison::kEqual;
  Scalar value;
};
// The value is there, or a list that contains it.
struct AttributeHas {
  AttributePath path;
  Scalar value;
};

using FilterTerm = std::variant<HasTag, HasAnyTag, HasState, TextIs, EmailIs, TimeCompares,
                                HasAttribute, AttributeCompares, AttributeHas>;

struct FilterNode {
  enum class Kind { kAll, kTerm, kAnd, kOr, kNot };
  Kind kind = Kind::kAll;
  FilterTerm term;                   // kTerm
  std::vector<FilterNode> operands;  // kAnd, kOr: two or more; kNot: one
};

}  // namespace herald::storage
