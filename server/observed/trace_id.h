#pragma once

#include "absl/strings/string_view.h"

namespace herald::ops {

// The trace id of a W3C traceparent ("00-<32 hex>-<16 hex>-<2 hex>"), or empty.
inline absl::string_view TraceId(absl::string_view traceparent) {
  constexpr size_t kBegin = 3;
  constexpr size_t kLength = 32;
  return traceparent.size() > kBegin + kLength ? traceparent.substr(kBegin, kLength)
                                               : absl::string_view();
}

}  // namespace herald::ops
