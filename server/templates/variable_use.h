// How a template uses its top-level variables, read off its parsed parts.
#pragma once

#include <map>
#include <set>
#include <string>

#include "server/templates/mustache_program.h"

namespace herald::templates {

// What the parts do with one top-level name. Uses inside a section are left out, since there a
// name may just as well be a field of the section's value.
struct VariableUse {
  // Printed by {{name}}: a list or an object makes no sense.
  bool printed = false;
  // Something is read inside it: {{name.field}}.
  bool dotted = false;
  // Opens a section outside of every other one.
  bool section = false;
  // Opens an inverted section: the author has thought of its absence.
  bool inverted = false;
  // Printed outside of every section, plain or with a dot.
  bool unconditional = false;
};

struct VariableUses {
  std::map<std::string, VariableUse> by_name;
  // Dotted paths that are printed outside of every section.
  std::set<MustacheProgram::Name> required_paths;
};

void CollectUses(const MustacheProgram& program, VariableUses& uses);

}  // namespace herald::templates
