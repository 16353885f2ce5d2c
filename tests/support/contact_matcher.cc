#include "tests/support/contact_matcher.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/address.h"

namespace herald::support {
namespace {

using nlohmann::json;
using storage::Comparison;
using storage::ContactRecord;
using storage::FilterNode;

template <class T>
bool Compare(const T& left, Comparison comparison, const T& right) {
  switch (comparison) {
    case Comparison::kEqual:
      return left == right;
    case Comparison::kLess:
      return left < right;
    case Comparison::kLessOrEqual:
      return left <= right;
    case Comparison::kGreater:
      return left > right;
    case Comparison::kGreaterOrEqual:
      return left >= right;
  }
  return false;
}

// Null where nothing is.
json At(const ContactRecord& contact, const storage::AttributePath& path) {
  json value = json::parse(contact.attributes);
  for (const std::string& name : path) {
    if (!value.is_object() || !value.contains(name)) return nullptr;
    value = json(value.at(name));
  }
  return value;
}

bool CompareScalar(const json& stored, Comparison comparison, const storage::Scalar& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    return stored.is_boolean() && comparison == Comparison::kEqual && stored.get<bool>() == *flag;
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return stored.is_number() && Compare(stored.get<double>(), comparison, *number);
  }
  return stored.is_string() &&
         Compare(stored.get<std::string>(), comparison, std::get<std::string>(value));
}

struct Matcher {
  const ContactRecord& contact;

  bool operator()(const storage::HasTag& term) const {
    return std::count(contact.tags.begin(), contact.tags.end(), term.tag) > 0;
  }
  bool operator()(const storage::HasAnyTag&) const { return !contact.tags.empty(); }
  bool operator()(const storage::HasState& term) const { return contact.state == term.state; }
  bool operator()(const storage::TextIs& term) const {
    switch (term.field) {
      case storage::TextIs::Field::kUserId:
        return contact.user_id == term.text;
      case storage::TextIs::Field::kLocale:
        return contact.locale == term.text;
      case storage::TextIs::Field::kTimeZone:
        return contact.time_zone == term.text;
    }
    return false;
  }
  bool operator()(const storage::EmailIs& term) const {
    return ParseAddress(contact.email)->Normalised() == term.normalised;
  }
  bool operator()(const storage::TimeCompares& term) const {
    const absl::Time time = term.field == storage::TimeCompares::Field::kCreateTime
                                ? ContactIdTime(contact.id)
                                : contact.update_time;
    return Compare(time, term.comparison, term.time);
  }
  bool operator()(const storage::HasAttribute& term) const {
    return !At(contact, term.path).is_null();
  }
  bool operator()(const storage::AttributeCompares& term) const {
    return CompareScalar(At(contact, term.path), term.comparison, term.value);
  }
  bool operator()(const storage::AttributeHas& term) const {
    const json stored = At(contact, term.path);
    if (!stored.is_array()) return CompareScalar(stored, Comparison::kEqual, term.value);
    return std::any_of(stored.begin(), stored.end(), [&](const json& item) {
      return CompareScalar(item, Comparison::kEqual, term.value);
    });
  }
};

}  // namespace

bool Matches(const FilterNode& filter, const ContactRecord& contact) {
  const auto matches = [&](const FilterNode& operand) { return Matches(operand, contact); };
  switch (filter.kind) {
    case FilterNode::Kind::kAll:
      return true;
    case FilterNode::Kind::kTerm:
      return std::visit(Matcher{contact}, filter.term);
    case FilterNode::Kind::kNot:
      return !matches(filter.operands.front());
    case FilterNode::Kind::kAnd:
      return std::all_of(filter.operands.begin(), filter.operands.end(), matches);
    case FilterNode::Kind::kOr:
      return std::any_of(filter.operands.begin(), filter.operands.end(), matches);
  }
  return false;
}

}  // namespace herald::support
