#include "server/templates/variable_hygiene.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/templates/utf8.h"

namespace herald::templates {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

absl::string_view TextProblem(const std::string& text) {
  if (!IsValidUtf8(text)) return "contains invalid UTF-8";
  if (text.find('\0') != std::string::npos) return "contains a NUL character";
  return "";
}

class Walk {
 public:
  explicit Walk(const RenderLimits& limits) : limits_(limits) {}

  bool too_many() const { return values_ > limits_.variable_values_max; }

  // What is wrong with `root`, empty when nothing is.
  std::string Problem(const Value& root) {
    pending_.assign(1, {&root, 1});
    ++values_;
    while (!pending_.empty()) {
      if (too_many()) return "has too many values";
      const Item item = pending_.back();
      pending_.pop_back();
      const absl::string_view problem = Visit(item);
      if (!problem.empty()) return std::string(problem);
    }
    return "";
  }

 private:
  struct Item {
    const Value* value;
    size_t depth;
  };

  absl::string_view Visit(const Item& item) {
    if (item.depth > limits_.variable_nesting_max) return "nests too deeply";
    switch (item.value->kind_case()) {
      case Value::kStringValue:
        return TextProblem(item.value->string_value());
      case Value::kNumberValue:
        return std::isfinite(item.value->number_value()) ? ""
                                                         : "contains a number that is no number";
      case Value::kListValue:
        for (const Value& value : item.value->list_value().values()) Push(value, item.depth);
        return "";
      case Value::kStructValue:
        for (const auto& [name, value] : item.value->struct_value().fields()) {
          if (!TextProblem(name).empty()) return "contains a name that is not valid text";
          Push(value, item.depth);
        }
        return "";
      default:
        return "";
    }
  }

  void Push(const Value& value, size_t parent_depth) {
    if (++values_ <= limits_.variable_values_max) pending_.push_back({&value, parent_depth + 1});
  }

  const RenderLimits& limits_;
  size_t values_ = 0;
  std::vector<Item> pending_;
};

}  // namespace

void CheckHygiene(const Struct& values, const RenderLimits& limits,
                  std::vector<Violation>& violations) {
  Walk walk(limits);
  for (const auto& [name, value] : values.fields()) {
    if (violations.size() >= limits.violations_max) return;
    if (name.size() > kNameBytesMax || !TextProblem(name).empty()) {
      violations.push_back({"variables", "contains a name that is too long or not valid text"});
      continue;
    }
    std::string problem = walk.Problem(value);
    if (!problem.empty()) {
      violations.push_back({absl::StrCat("variables.", name), std::move(problem)});
    }
    if (walk.too_many()) return;
  }
}

}  // namespace herald::templates
