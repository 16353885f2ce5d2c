#include "storage/postgres/contact_filter_sql.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/query_params.h"

namespace herald::storage {
namespace {

const char* Operator(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual:
      return "=";
    case Comparison::kLess:
      return "<";
    case Comparison::kLessOrEqual:
      return "<=";
    case Comparison::kGreater:
      return ">";
    case Comparison::kGreaterOrEqual:
      return ">=";
  }
  return "=";
}

// The object that holds `value` at `path`, as containment asks for it.
std::string Nested(const AttributePath& path, nlohmann::json value) {
  for (auto name = path.rbegin(); name != path.rend(); ++name) {
    nlohmann::json outer = nlohmann::json::object();
    outer[*name] = std::move(value);
    value = std::move(outer);
  }
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json ToJson(const Scalar& value) {
  return std::visit([](const auto& held) { return nlohmann::json(held); }, value);
}

class Compiler {
 public:
  explicit Compiler(const std::function<std::string(absl::string_view)>& hash) : hash_(hash) {}

  std::string Node(const FilterNode& node) {
    switch (node.kind) {
      case FilterNode::Kind::kAll:
        return "(true)";
      case FilterNode::Kind::kTerm:
        return absl::StrCat("(", std::visit(*this, node.term), ")");
      case FilterNode::Kind::kNot:
        return absl::StrCat("(NOT ", Node(node.operands.front()), ")");
      case FilterNode::Kind::kAnd:
        return Joined(node.operands, " AND ");
      case FilterNode::Kind::kOr:
        return Joined(node.operands, " OR ");
    }
    return "(false)";
  }
  bool has_values() const { return count_ > 0; }
  std::string TakeValues() { return values_.Take(); }

  std::string operator()(const HasTag& term) {
    return absl::StrCat("c.tags @> ARRAY[", Value(term.tag), "]");
  }
  std::string operator()(const HasAnyTag&) { return "c.tags <> '{}'"; }
  std::string operator()(const HasState& term) {
    return absl::StrCat("c.state = ", Value(absl::StrCat(static_cast<int>(term.state))),
                        "::smallint");
  }
  std::string operator()(const TextIs& term) {
    switch (term.field) {
      case TextIs::Field::kUserId:
        return absl::StrCat("c.user_id = ", Value(term.text));
      case TextIs::Field::kLocale:
        return absl::StrCat("c.locale = ", Value(term.text));
      case TextIs::Field::kTimeZone:
        return absl::StrCat("c.time_zone = ", Value(term.text));
    }
    return "false";
  }
  std::string operator()(const EmailIs& term) {
    return absl::StrCat("c.address_hash = ", Value(ByteaText(hash_(term.normalised))), "::bytea");
  }
  std::string operator()(const TimeCompares& term) {
    if (term.field == TimeCompares::Field::kCreateTime) return CreateTime(term);
    return absl::StrCat("c.update_time ", Operator(term.comparison), " ",
                        Value(TimestampText(term.time)), "::timestamptz");
  }
  std::string operator()(const HasAttribute& term) {
    return absl::StrCat("coalesce(c.attributes #> ", Path(term.path), ", 'null') <> 'null'::jsonb");
  }
  std::string operator()(const AttributeCompares& term);
  std::string operator()(const AttributeHas& term) {
    const nlohmann::json value = ToJson(term.value);
    const std::string itself = Contains(Nested(term.path, value));
    return absl::StrCat(itself, " OR ",
                        Contains(Nested(term.path, nlohmann::json::array({value}))));
  }

 private:
  std::string Value(absl::string_view text) {
    values_.AddText(text);
    return absl::StrCat("($2::text[])[", ++count_, "]");
  }
  std::string Path(const AttributePath& path) {
    return absl::StrCat(Value(TextArray(path)), "::text[]");
  }
  std::string Contains(const std::string& json) {
    return absl::StrCat("c.attributes @> ", Value(json), "::jsonb");
  }
  std::string CreateTime(const TimeCompares& term);
  std::string Joined(const std::vector<FilterNode>& operands, const char* by) {
    return absl::StrCat("(",
                        absl::StrJoin(operands, by,
                                      [this](std::string* out, const FilterNode& operand) {
                                        out->append(Node(operand));
                                      }),
                        ")");
  }

  const std::function<std::string(absl::string_view)>& hash_;
  ArrayParam values_;
  int count_ = 0;
};

// An id's time is in whole milliseconds; FirstContactIdAt rounds up.
std::string Compiler::CreateTime(const TimeCompares& term) {
  const auto from = [&](absl::Time time) {
    return absl::StrCat(Value(absl::StrCat(FirstContactIdAt(time).value)), "::bigint");
  };
  const absl::Time beyond =
      absl::FromUnixMillis(absl::ToUnixMillis(term.time)) + absl::Milliseconds(1);
  switch (term.comparison) {
    case Comparison::kLess:
      return absl::StrCat("c.contact_id < ", from(term.time));
    case Comparison::kLessOrEqual:
      return absl::StrCat("c.contact_id < ", from(beyond));
    case Comparison::kGreater:
      return absl::StrCat("c.contact_id >= ", from(beyond));
    case Comparison::kGreaterOrEqual:
      return absl::StrCat("c.contact_id >= ", from(term.time));
    case Comparison::kEqual:
      return absl::StrCat("c.contact_id >= ", from(term.time), " AND c.contact_id < ",
                          from(beyond));
  }
  return "false";
}

std::string Compiler::operator()(const AttributeCompares& term) {
  if (term.comparison == Comparison::kEqual) {
    return Contains(Nested(term.path, ToJson(term.value)));  // the index knows containment
  }
  const bool number = std::holds_alternative<double>(term.value);
  if (!number && !std::holds_alternative<std::string>(term.value)) return "false";
  // CASE decides before the cast is tried; a bare AND need not.
  const std::string path = Path(term.path);
  const std::string value =
      Value(number ? ToJson(term.value).dump() : std::get<std::string>(term.value));
  return absl::StrCat("CASE WHEN jsonb_typeof(c.attributes #> ", path, ") = '",
                      number ? "number" : "string", "' THEN (c.attributes #>> ", path, ")",
                      number ? "::numeric " : " COLLATE \"C\" ", Operator(term.comparison), " ",
                      value, number ? "::numeric" : "", " ELSE false END");
}

}  // namespace

ContactCondition CompileContactFilter(const FilterNode& filter,
                                      const std::function<std::string(absl::string_view)>& hash) {
  Compiler compiler(hash);
  ContactCondition condition;
  condition.sql = compiler.Node(filter);
  // PostgreSQL refuses a parameter whose type no place decides.
  if (!compiler.has_values()) condition.sql.append(" AND $2::text[] IS NOT NULL");
  condition.values = compiler.TakeValues();
  return condition;
}

}  // namespace herald::storage
