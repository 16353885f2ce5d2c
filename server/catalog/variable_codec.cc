#include "server/catalog/variable_codec.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace herald::catalog {
namespace {

using templates::VariableType;

constexpr std::array<std::pair<VariableType, const char*>, 6> kTypeNames = {{
    {VariableType::kAny, "any"},
    {VariableType::kString, "string"},
    {VariableType::kNumber, "number"},
    {VariableType::kBoolean, "boolean"},
    {VariableType::kList, "list"},
    {VariableType::kObject, "object"},
}};

const char* TypeName(VariableType type) {
  for (const auto& [value, name] : kTypeNames) {
    if (value == type) return name;
  }
  return "any";
}

// A type of a later release reads as "any": looser, and never a refusal of stored content.
VariableType TypeFromName(const std::string& text) {
  for (const auto& [value, name] : kTypeNames) {
    if (text == name) return value;
  }
  return VariableType::kAny;
}

}  // namespace

std::string EncodeVariables(const std::vector<templates::Variable>& variables) {
  nlohmann::json list = nlohmann::json::array();
  for (const templates::Variable& variable : variables) {
    list.push_back({{"name", variable.name},
                    {"type", TypeName(variable.type)},
                    {"required", variable.required},
                    {"description", variable.description}});
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<std::vector<templates::Variable>> DecodeVariables(absl::string_view json) {
  const nlohmann::json list = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  if (!list.is_array()) return absl::DataLossError("stored template variables are not a list");
  std::vector<templates::Variable> variables;
  for (const nlohmann::json& item : list) {
    if (!item.is_object()) return absl::DataLossError("a stored template variable is no object");
    variables.push_back({item.value("name", ""), TypeFromName(item.value("type", "any")),
                         item.value("required", false), item.value("description", "")});
  }
  return variables;
}

}  // namespace herald::catalog
