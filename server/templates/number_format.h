#pragma once

#include <string>

namespace herald::templates {

// A number as JavaScript's String() prints it, nearly: 3, 3.5, 0.000001, 1e+21, NaN, Infinity. The
// shortest digits that read back as `value`; integers are exact up to 2^53.
void AppendNumber(double value, std::string& out);

}  // namespace herald::templates
