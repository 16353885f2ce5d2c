#include "server/templates/variable_use.h"

#include <vector>

namespace herald::templates {
namespace {

bool Prints(Op op) { return op == Op::kEscaped || op == Op::kRaw; }

bool HasName(Op op) { return Prints(op) || op == Op::kSection || op == Op::kInverted; }

void Record(Op op, const MustacheProgram::Name& path, bool conditional, VariableUses& uses) {
  if (path.empty()) return;
  VariableUse& use = uses.by_name[path.front()];
  if (path.size() > 1) {
    use.dotted = true;
  } else if (Prints(op)) {
    use.printed = true;
  } else if (op == Op::kInverted) {
    use.inverted = true;
  } else {
    use.section = use.section || !conditional;
  }
  if (!Prints(op) || conditional) return;
  use.unconditional = true;
  if (path.size() > 1) uses.required_paths.insert(path);
}

}  // namespace

void CollectUses(const MustacheProgram& program, VariableUses& uses) {
  struct Region {
    uint32_t end;
    Op op;
  };
  std::vector<Region> open;
  int sections = 0;
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    for (; !open.empty() && open.back().end <= i; open.pop_back()) {
      if (open.back().op == Op::kSection) --sections;
    }
    const Instruction& instruction = program.instructions[i];
    if (!HasName(instruction.op)) continue;
    if (sections == 0) {
      Record(instruction.op, program.names[instruction.first], !open.empty(), uses);
    }
    if (Prints(instruction.op)) continue;
    open.push_back({instruction.second, instruction.op});
    if (instruction.op == Op::kSection) ++sections;
  }
}

}  // namespace herald::templates
