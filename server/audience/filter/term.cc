#include "server/audience/filter/term.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "model/address.h"
#include "server/audience/filter/filter_limits.h"

namespace herald::audience {
namespace {

using storage::Comparison;
using storage::FilterNode;
using storage::FilterTerm;
using Node = absl::StatusOr<FilterNode>;
using TokenKind = FilterToken::Kind;

constexpr absl::string_view kAttributes = "attributes.";

FilterNode Leaf(FilterTerm term) {
  FilterNode node;
  node.kind = FilterNode::Kind::kTerm;
  node.term = std::move(term);
  return node;
}

FilterNode Not(FilterNode operand) {
  FilterNode node;
  node.kind = FilterNode::Kind::kNot;
  node.operands.push_back(std::move(operand));
  return node;
}

// nullopt for `:` and `!=`.
absl::optional<Comparison> ComparisonOf(absl::string_view text) {
  if (text == "=") return Comparison::kEqual;
  if (text == "<") return Comparison::kLess;
  if (text == "<=") return Comparison::kLessOrEqual;
  if (text == ">") return Comparison::kGreater;
  if (text == ">=") return Comparison::kGreaterOrEqual;
  return absl::nullopt;
}

// RFC 3339, or a day, which begins at midnight in UTC.
absl::optional<absl::Time> TimeOf(absl::string_view text) {
  absl::Time time;
  std::string error;
  const bool read = absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
                    absl::ParseTime("%Y-%m-%d", text, absl::UTCTimeZone(), &time, &error);
  // PostgreSQL's timestamps and our ids have bounds; these are inside of both.
  const absl::Time first = absl::FromCivil(absl::CivilYear(1), absl::UTCTimeZone());
  const absl::Time last = absl::FromCivil(absl::CivilYear(9999), absl::UTCTimeZone());
  if (!read || time < first || time > last) return absl::nullopt;
  return time;
}

bool IsAttributeName(absl::string_view name) {
  if (name.empty() || name.size() > kFilterNameBytesMax) return false;
  const auto letter = [](char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
  };
  return letter(name.front()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-';
         });
}

class Maker {
 public:
  Maker(absl::string_view filter, const FilterToken& field, const FilterToken& comparison,
        const FilterToken& value)
      : filter_(filter), field_(field), comparison_(comparison), value_(value) {}

  Node Make() {
    const std::string& name = field_.text;
    if (name == "tags") return Tags();
    if (name == "state") return State();
    if (name == "email") return Email();
    if (name == "user_id") return Text(storage::TextIs::Field::kUserId);
    if (name == "locale") return Text(storage::TextIs::Field::kLocale);
    if (name == "time_zone") return Text(storage::TextIs::Field::kTimeZone);
    if (name == "create_time" || name == "created_time") {
      return Time(storage::TimeCompares::Field::kCreateTime);
    }
    if (name == "update_time" || name == "updated_time") {
      return Time(storage::TimeCompares::Field::kUpdateTime);
    }
    if (absl::StartsWith(name, kAttributes)) return Attribute();
    return FilterError(filter_, field_.offset,
                       "unknown field; there are tags, state, email, user_id, locale, time_zone, "
                       "create_time, update_time and attributes.NAME");
  }

 private:
  absl::Status BadComparison(absl::string_view allowed) const {
    return FilterError(filter_, comparison_.offset,
                       absl::StrCat("this field takes ", allowed, " only"));
  }
  absl::Status BadValue(absl::string_view what) const {
    return FilterError(filter_, value_.offset, what);
  }
  bool has() const { return comparison_.text == ":"; }
  bool star() const { return value_.kind == TokenKind::kStar; }

  // `=`, or `!=` as NOT of it.
  Node Equals(FilterTerm term) const {
    if (comparison_.text == "=") return Leaf(std::move(term));
    if (comparison_.text == "!=") return Not(Leaf(std::move(term)));
    return BadComparison("= and !=");
  }

  Node Tags() {
    if (!has()) return BadComparison("a colon, as in tags:premium,");
    if (star()) return Leaf(storage::HasAnyTag{});
    if (value_.text.empty()) return BadValue("a tag is not empty");
    return Leaf(storage::HasTag{value_.text});
  }

  Node State() {
    if (star() || (value_.text != "SUBSCRIBED" && value_.text != "UNSUBSCRIBED")) {
      return BadValue("a state is SUBSCRIBED or UNSUBSCRIBED");
    }
    return Equals(storage::HasState{value_.text == "SUBSCRIBED"
                                        ? storage::ContactState::kSubscribed
                                        : storage::ContactState::kUnsubscribed});
  }

  Node Email() {
    if (star()) return BadValue("every contact has an address");
    const absl::StatusOr<Address> address = ParseAddress(value_.text);
    if (!address.ok()) return BadValue(address.status().message());
    return Equals(storage::EmailIs{address->Normalised()});
  }

  Node Text(storage::TextIs::Field field) {
    if (has()) {
      if (!star()) return BadComparison("=, != and :*");
      return Not(Leaf(storage::TextIs{field, ""}));
    }
    if (star()) return BadValue("* follows a colon only");
    return Equals(storage::TextIs{field, value_.text});
  }

  Node Time(storage::TimeCompares::Field field) {
    const absl::optional<absl::Time> time = TimeOf(value_.text);
    if (star() || !time.has_value()) {
      return BadValue("a time is written \"2026-01-31\" or \"2026-01-31T12:00:00Z\"");
    }
    const absl::optional<Comparison> comparison = ComparisonOf(comparison_.text);
    if (comparison.has_value()) return Leaf(storage::TimeCompares{field, *comparison, *time});
    if (has()) return BadComparison("=, !=, <, <=, > and >=");
    return Not(Leaf(storage::TimeCompares{field, Comparison::kEqual, *time}));
  }

  Node Attribute() {
    storage::AttributePath path =
        absl::StrSplit(absl::string_view(field_.text).substr(kAttributes.size()), '.');
    if (path.size() > kFilterPathMax || !std::all_of(path.begin(), path.end(), IsAttributeName)) {
      return FilterError(filter_, field_.offset,
                         "an attribute is written attributes.NAME, or up to 4 names joined by "
                         "dots, each a letter or _ and then letters, digits, _ and -");
    }
    if (star()) {
      if (!has()) return BadValue("* follows a colon only");
      return Leaf(storage::HasAttribute{std::move(path)});
    }
    const absl::optional<storage::Scalar> value = ScalarOf();
    if (!value.has_value()) return BadValue("the number is too large");
    if (has()) return Leaf(storage::AttributeHas{std::move(path), *value});
    const absl::optional<Comparison> comparison = ComparisonOf(comparison_.text);
    if (!comparison.has_value()) {
      return Not(Leaf(storage::AttributeCompares{std::move(path), Comparison::kEqual, *value}));
    }
    if (*comparison != Comparison::kEqual && std::holds_alternative<bool>(*value)) {
      return BadComparison("=, != and : with true and false");
    }
    return Leaf(storage::AttributeCompares{std::move(path), *comparison, *value});
  }

  // Bare words are booleans and numbers where they can be.
  absl::optional<storage::Scalar> ScalarOf() const {
    const std::string& text = value_.text;
    if (value_.kind == TokenKind::kString) return storage::Scalar(text);
    if (text == "true" || text == "false") return storage::Scalar(text == "true");
    const char first = text.front() == '-' || text.front() == '+' ? text[text.size() > 1] : text[0];
    double number = 0;
    const bool numeric = absl::ascii_isdigit(static_cast<unsigned char>(first)) || first == '.';
    if (!numeric || !absl::SimpleAtod(text, &number)) return storage::Scalar(text);
    if (!std::isfinite(number)) return absl::nullopt;
    return storage::Scalar(number);
  }

  const absl::string_view filter_;
  const FilterToken& field_;
  const FilterToken& comparison_;
  const FilterToken& value_;
};

}  // namespace

Node MakeTerm(absl::string_view filter, const FilterToken& field, const FilterToken& comparison,
              const FilterToken& value) {
  return Maker(filter, field, comparison, value).Make();
}

}  // namespace herald::audience
