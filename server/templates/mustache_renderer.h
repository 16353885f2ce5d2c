#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "server/templates/mustache_program.h"

namespace herald::templates {

enum class Escaping { kNone, kHtml };

// Runs `program` over `variables` without recursion: its stack is as deep as the program's nesting,
// whatever the depth of the values. Subtracts the instructions executed from `steps_left`.
// kResourceExhausted when the output would exceed `bytes_max` or `steps_left` is used up. Objects
// and lists print nothing.
absl::StatusOr<std::string> RenderMustache(const MustacheProgram& program,
                                           const google::protobuf::Struct& variables,
                                           Escaping escaping, size_t bytes_max,
                                           int64_t& steps_left);

}  // namespace herald::templates
