// What the variables of a template must look like.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "server/templates/mustache_program.h"
#include "server/templates/render_limits.h"
#include "server/templates/template_source.h"
#include "server/templates/variable_use.h"

namespace herald::templates {

// Of a template, declared or derived: every one is looked at for every email.
inline constexpr size_t kVariablesMax = 200;

// Immutable after construction.
class VariableSchema {
 public:
  // An author's own schema. kInvalidArgument for a bad or repeated name, for too many, and for a
  // name in `uses` that is not declared or is used against its type.
  static absl::StatusOr<VariableSchema> FromDeclaration(std::vector<Variable> declared,
                                                        const VariableUses& uses);
  // What the uses ask for. kInvalidArgument for too many names.
  static absl::StatusOr<VariableSchema> FromUses(const VariableUses& uses);

  const std::vector<Variable>& variables() const { return variables_; }

  // Appends what is missing or ill-typed, at most `violations_max` altogether.
  void Check(const google::protobuf::Struct& values, size_t violations_max,
             std::vector<Violation>& violations) const;

 private:
  std::vector<Variable> variables_;
  std::set<std::string> printed_;
  std::set<MustacheProgram::Name> required_paths_;
};

}  // namespace herald::templates
