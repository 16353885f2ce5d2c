#include "server/templates/mustache_renderer.h"

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/templates/escape_html.h"
#include "server/templates/number_format.h"

namespace herald::templates {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

const Value* Field(const Struct& object, const std::string& name) {
  const auto it = object.fields().find(name);
  return it == object.fields().end() ? nullptr : &it->second;
}

const Value* Field(const Value& value, const std::string& name) {
  return value.kind_case() == Value::kStructValue ? Field(value.struct_value(), name) : nullptr;
}

// As mustache.js decides; `value` is null when nothing was found.
bool IsTruthy(const Value* value) {
  if (value == nullptr) return false;
  switch (value->kind_case()) {
    case Value::KIND_NOT_SET:
    case Value::kNullValue:
      return false;
    case Value::kBoolValue:
      return value->bool_value();
    case Value::kNumberValue:
      return value->number_value() != 0 && !std::isnan(value->number_value());
    case Value::kStringValue:
      return !value->string_value().empty();
    case Value::kListValue:
      return value->list_value().values_size() > 0;
    case Value::kStructValue:
      return true;
  }
  return false;
}

class Renderer {
 public:
  Renderer(const MustacheProgram& program, const Struct& variables, Escaping escaping,
           size_t bytes_max)
      : program_(program), variables_(variables), escaping_(escaping), bytes_max_(bytes_max) {
    out_.reserve(std::min(bytes_max, program.literals.size() + program.literals.size() / 4 + 64));
  }

  absl::StatusOr<std::string> Run(int64_t& steps_left) {
    while (next_ < program_.instructions.size()) {
      if (--steps_left < 0) {
        return absl::ResourceExhaustedError("rendering takes more steps than allowed");
      }
      if (!Step(program_.instructions[next_])) {
        return absl::ResourceExhaustedError(
            absl::StrCat("renders to more than ", bytes_max_, " bytes"));
      }
    }
    return std::move(out_);
  }

 private:
  // An open section. `list` is null for one that is not repeated.
  struct Frame {
    const ListValue* list;
    int index;
    const Value* context;
  };

  // False when the output is full.
  bool Step(const Instruction& instruction) {
    switch (instruction.op) {
      case Op::kLiteral:
        ++next_;
        return Append(
            absl::string_view(program_.literals).substr(instruction.first, instruction.second));
      case Op::kEscaped:
        ++next_;
        return Print(Find(program_.names[instruction.first]), escaping_);
      case Op::kRaw:
        ++next_;
        return Print(Find(program_.names[instruction.first]), Escaping::kNone);
      case Op::kSection:
        Enter(instruction);
        return true;
      case Op::kInverted:
        next_ = IsTruthy(Find(program_.names[instruction.first])) ? instruction.second : next_ + 1;
        return true;
      case Op::kEnd:
        Repeat(instruction);
        return true;
    }
    return true;
  }

  void Enter(const Instruction& instruction) {
    const Value* value = Find(program_.names[instruction.first]);
    if (!IsTruthy(value)) {
      next_ = instruction.second;
      return;
    }
    if (value->kind_case() == Value::kListValue) {
      const ListValue& list = value->list_value();
      frames_.push_back({&list, 0, &list.values(0)});
    } else {
      frames_.push_back({nullptr, 0, value});
    }
    ++next_;
  }

  void Repeat(const Instruction& end) {
    Frame& frame = frames_.back();
    if (frame.list != nullptr && ++frame.index < frame.list->values_size()) {
      frame.context = &frame.list->values(frame.index);
      next_ = end.first + 1;
      return;
    }
    frames_.pop_back();
    ++next_;
  }

  // The first segment is looked up from the innermost context outwards, the others only in what
  // the one before named. Null when there is no such value.
  const Value* Find(const MustacheProgram::Name& name) const {
    if (name.empty()) return frames_.empty() ? nullptr : frames_.back().context;
    const Value* value = nullptr;
    for (auto frame = frames_.rbegin(); frame != frames_.rend() && value == nullptr; ++frame) {
      value = Field(*frame->context, name.front());
    }
    if (value == nullptr) value = Field(variables_, name.front());
    for (size_t i = 1; i < name.size() && value != nullptr; ++i) value = Field(*value, name[i]);
    return value;
  }

  bool Print(const Value* value, Escaping escaping) {
    if (value == nullptr) return true;
    switch (value->kind_case()) {
      case Value::kStringValue:
        if (escaping == Escaping::kNone) return Append(value->string_value());
        return AppendEscapedHtml(value->string_value(), bytes_max_, out_);
      case Value::kNumberValue:
        AppendNumber(value->number_value(), out_);
        return out_.size() <= bytes_max_;
      case Value::kBoolValue:
        return Append(value->bool_value() ? "true" : "false");
      default:
        return true;
    }
  }

  bool Append(absl::string_view text) {
    if (text.size() > bytes_max_ - out_.size()) return false;
    out_.append(text.data(), text.size());
    return true;
  }

  const MustacheProgram& program_;
  const Struct& variables_;
  const Escaping escaping_;
  const size_t bytes_max_;
  std::string out_;
  std::vector<Frame> frames_;
  size_t next_ = 0;
};

}  // namespace

absl::StatusOr<std::string> RenderMustache(const MustacheProgram& program, const Struct& variables,
                                           Escaping escaping, size_t bytes_max,
                                           int64_t& steps_left) {
  return Renderer(program, variables, escaping, bytes_max).Run(steps_left);
}

}  // namespace herald::templates
