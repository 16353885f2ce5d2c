// What an author writes, and what Herald says about it. Plain values.
#pragma once

#include <string>
#include <vector>

namespace herald::templates {

enum class VariableType { kAny, kString, kNumber, kBoolean, kList, kObject };

// One top-level variable of a template. A required variable must be present and not null.
struct Variable {
  std::string name;
  VariableType type = VariableType::kAny;
  bool required = false;
  std::string description;
};

// The three parts in mustache, UTF-8. `html` or `text` may be empty, then it is derived from the
// other one. Without `variables` the schema is derived from the parts.
struct TemplateSource {
  std::string subject;
  std::string html;
  std::string text;
  std::vector<Variable> variables;
};

// One reason to refuse a set of variables. `field` is a path such as "variables.order_id".
struct Violation {
  std::string field;
  std::string description;
};

}  // namespace herald::templates
