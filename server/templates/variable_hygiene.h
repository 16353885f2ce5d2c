#pragma once

#include <vector>

#include "google/protobuf/struct.pb.h"
#include "server/templates/render_limits.h"
#include "server/templates/template_source.h"

namespace herald::templates {

// Appends what no template may be given: invalid UTF-8, NUL, a number that is not finite, nesting
// or a count of values beyond the limits. Stops at the first problem of each variable and at
// `violations_max`. Iterative: hostile depth costs no stack.
void CheckHygiene(const google::protobuf::Struct& values, const RenderLimits& limits,
                  std::vector<Violation>& violations);

}  // namespace herald::templates
