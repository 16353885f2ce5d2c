// Bounds on what one template may cost. A template that exceeds one fails alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace herald::templates {

struct RenderLimits {
  // Each part, before rendering. Over it, Compile answers kInvalidArgument.
  size_t source_bytes_max = size_t{256} * 1024;
  // Open sections at any point of a part. Over it, Compile answers kInvalidArgument.
  size_t nesting_max = 16;
  // Each of html and text, after rendering. Over it, Render answers kResourceExhausted; what is
  // derived from the other part is left out.
  size_t output_bytes_max = size_t{1024} * 1024;
  // After rendering; RFC 5322 §2.1.1 allows 998 octets in a line. Over it: kInvalidArgument.
  size_t subject_bytes_max = 998;
  // Template instructions executed by one Render over all parts; each list item costs at least one.
  // Over it, Render answers kResourceExhausted: after a millisecond as a rule, a quarter of a
  // second with the longest names in the deepest sections.
  int64_t steps_max = 250'000;
  // Values and nesting of the variables, beyond which Check refuses them.
  size_t variable_values_max = 100'000;
  size_t variable_nesting_max = 32;
  // Check stops after this many violations.
  size_t violations_max = 20;
};

// A name such as "order.customer.firstName". Longer ones are refused by Compile.
inline constexpr size_t kNameBytesMax = 128;

}  // namespace herald::templates
