// A mustache template as a flat list of instructions, so that rendering needs no recursion.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/templates/render_limits.h"

namespace herald::templates {

enum class Op : uint8_t {
  kLiteral,   // first: offset in `literals`, second: length
  kEscaped,   // first: index in `names`
  kRaw,       // first: index in `names`
  kSection,   // first: index in `names`, second: the instruction after the section's kEnd
  kInverted,  // first: index in `names`, second: the instruction after the section
  kEnd,       // of a kSection; first: that instruction
};

struct Instruction {
  Op op;
  uint32_t first;
  uint32_t second;
};

struct MustacheProgram {
  // The segments of a dotted name; none for the implicit iterator ".".
  using Name = std::vector<std::string>;

  std::string literals;
  std::vector<Name> names;
  std::vector<Instruction> instructions;
};

// kInvalidArgument with line and column for bad syntax or a section nested too deeply. `source` is
// within `limits.source_bytes_max`.
absl::StatusOr<MustacheProgram> ParseMustache(absl::string_view source, const RenderLimits& limits);

}  // namespace herald::templates
