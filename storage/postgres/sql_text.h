#pragma once

#include <algorithm>
#include <cstddef>

namespace herald::storage {

// SQL put together at compile time, for what several statements share. A literal or another SqlText
// is joined with +; a query takes the `text` of a constant.
template <size_t kSize>  // with the NUL at the end
struct SqlText {
  constexpr SqlText() = default;
  explicit constexpr SqlText(const char (&literal)[kSize]) {
    std::copy(literal, literal + kSize, text);
  }

  char text[kSize] = {};
};

template <size_t kLeft, size_t kRight>
constexpr SqlText<kLeft + kRight - 1> operator+(const SqlText<kLeft>& left,
                                                const SqlText<kRight>& right) {
  SqlText<kLeft + kRight - 1> joined;
  std::copy(right.text, right.text + kRight,
            std::copy(left.text, left.text + kLeft - 1, joined.text));
  return joined;
}

template <size_t kLeft, size_t kRight>
constexpr auto operator+(const SqlText<kLeft>& left, const char (&right)[kRight]) {
  return left + SqlText<kRight>(right);
}

template <size_t kLeft, size_t kRight>
constexpr auto operator+(const char (&left)[kLeft], const SqlText<kRight>& right) {
  return SqlText<kLeft>(left) + right;
}

}  // namespace herald::storage
