#include "server/templates/number_format.h"

#include <array>
#include <charconv>
#include <cmath>

namespace herald::templates {

void AppendNumber(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (value == 0) value = 0;  // -0 prints as 0.
  const double magnitude = std::fabs(value);
  const bool fixed = value == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  std::array<char, 64> digits;  // The longest fixed form has 26 characters.
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(digits.data(), end.ptr);
}

}  // namespace herald::templates
