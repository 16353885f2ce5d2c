#pragma once

#include <cstddef>

// What a filter may cost, so that a hostile one fails alone. docs/filters.md and the protos state
// the same numbers.
namespace herald::audience {

inline constexpr size_t kFilterBytesMax = 8 << 10;
inline constexpr int kFilterTermsMax = 64;
inline constexpr int kFilterDepthMax = 16;  // parentheses and NOTs inside one another
inline constexpr size_t kFilterPathMax = 4;
inline constexpr size_t kFilterNameBytesMax = 64;

}  // namespace herald::audience
