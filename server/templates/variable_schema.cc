#include "server/templates/variable_schema.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/templates/utf8.h"

namespace herald::templates {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

// Null for what is absent or null: to a template both are the same.
const Value* Present(const Struct& object, const std::string& name) {
  const auto it = object.fields().find(name);
  if (it == object.fields().end()) return nullptr;
  const Value::KindCase kind = it->second.kind_case();
  return kind == Value::kNullValue || kind == Value::KIND_NOT_SET ? nullptr : &it->second;
}

bool IsScalar(const Value& value) {
  return value.kind_case() != Value::kListValue && value.kind_case() != Value::kStructValue;
}

// Empty when `value` is of the type.
absl::string_view TypeProblem(VariableType type, bool printed, const Value& value) {
  const Value::KindCase kind = value.kind_case();
  switch (type) {
    case VariableType::kAny:
      return printed && !IsScalar(value) ? "must be a string, a number or a boolean" : "";
    case VariableType::kString:
      return kind == Value::kStringValue ? "" : "must be a string";
    case VariableType::kNumber:
      return kind == Value::kNumberValue ? "" : "must be a number";
    case VariableType::kBoolean:
      return kind == Value::kBoolValue ? "" : "must be a boolean";
    case VariableType::kList:
      return kind == Value::kListValue ? "" : "must be a list";
    case VariableType::kObject:
      return kind == Value::kStructValue ? "" : "must be an object";
  }
  return "";
}

// Whether a dotted path ends in something printable.
bool Resolves(const Struct& values, const MustacheProgram::Name& path) {
  const Value* value = Present(values, path.front());
  for (size_t i = 1; i < path.size() && value != nullptr; ++i) {
    value = value->kind_case() == Value::kStructValue ? Present(value->struct_value(), path[i])
                                                      : nullptr;
  }
  return value != nullptr && IsScalar(*value);
}

std::set<std::string> PrintedNames(const VariableUses& uses) {
  std::set<std::string> names;
  for (const auto& [name, use] : uses.by_name) {
    if (use.printed) names.insert(name);
  }
  return names;
}

// Empty when the template uses a variable as its declared type allows.
absl::string_view UseProblem(VariableType type, const VariableUse& use) {
  const bool object = type == VariableType::kObject;
  if (use.printed && (object || type == VariableType::kList)) {
    return "is printed but declared as a list or an object";
  }
  if (use.dotted && !object && type != VariableType::kAny) {
    return "is used as an object but not declared as one";
  }
  return "";
}

bool IsName(const std::string& name) {
  return !name.empty() && name.size() <= kNameBytesMax && IsValidUtf8(name) &&
         name.find_first_of(absl::StrCat(". \t\r\n{}", std::string(1, '\0'))) == std::string::npos;
}

}  // namespace

absl::StatusOr<VariableSchema> VariableSchema::FromDeclaration(std::vector<Variable> declared,
                                                               const VariableUses& uses) {
  if (declared.size() > kVariablesMax) {
    return absl::InvalidArgumentError(absl::StrCat("variables: more than ", kVariablesMax));
  }
  std::map<std::string, VariableType> types;
  for (const Variable& variable : declared) {
    if (!IsName(variable.name)) {
      return absl::InvalidArgumentError(
          "variables: a name must have 1 to 128 bytes without white space, dots or braces");
    }
    if (!types.emplace(variable.name, variable.type).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("variables: \"", variable.name, "\" is declared twice"));
    }
  }
  for (const auto& [name, use] : uses.by_name) {
    const auto type = types.find(name);
    const absl::string_view problem = type == types.end()
                                          ? "is used by the template but not declared"
                                          : UseProblem(type->second, use);
    if (problem.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat("variables: \"", name, "\" ", problem));
  }
  VariableSchema schema;
  schema.variables_ = std::move(declared);
  schema.printed_ = PrintedNames(uses);
  return schema;
}

absl::StatusOr<VariableSchema> VariableSchema::FromUses(const VariableUses& uses) {
  if (uses.by_name.size() > kVariablesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("variables: the template uses more than ", kVariablesMax));
  }
  VariableSchema schema;
  for (const auto& [name, use] : uses.by_name) {
    Variable variable;
    variable.name = name;
    variable.type = use.dotted ? VariableType::kObject : VariableType::kAny;
    variable.required = use.unconditional || (use.section && !use.inverted);
    schema.variables_.push_back(std::move(variable));
  }
  schema.printed_ = PrintedNames(uses);
  schema.required_paths_ = uses.required_paths;
  return schema;
}

void VariableSchema::Check(const Struct& values, size_t violations_max,
                           std::vector<Violation>& violations) const {
  for (const Variable& variable : variables_) {
    if (violations.size() >= violations_max) return;
    const std::string field = absl::StrCat("variables.", variable.name);
    const Value* value = Present(values, variable.name);
    if (value == nullptr) {
      if (variable.required) violations.push_back({field, "is required"});
      continue;
    }
    const absl::string_view problem =
        TypeProblem(variable.type, printed_.contains(variable.name), *value);
    if (!problem.empty()) violations.push_back({field, std::string(problem)});
  }
  for (const MustacheProgram::Name& path : required_paths_) {
    if (violations.size() >= violations_max) return;
    const Value* root = Present(values, path.front());
    if (root == nullptr || root->kind_case() != Value::kStructValue) continue;  // Told above.
    if (Resolves(values, path)) continue;
    violations.push_back({absl::StrCat("variables.", absl::StrJoin(path, ".")),
                          "is required, as a string, a number or a boolean"});
  }
}

}  // namespace herald::templates
