#include "absl/strings/match.h"
#include "server/ops/log.h"

namespace herald::ops {
namespace {

constexpr absl::string_view kMask = "[address]";

// The ways an @ is written: plain, percent-encoded, full-width (U+FF20).
constexpr absl::string_view kAtSigns[] = {"@", "%40", "\xEF\xBC\xA0"};

bool EndsAddress(char c) {
  return static_cast<unsigned char>(c) <= ' ' ||
         absl::string_view("<>\"'(),;").find(c) != absl::string_view::npos;
}

// Length of the at sign that starts at `position`, or 0.
size_t AtSignLength(absl::string_view text, size_t position) {
  for (absl::string_view at : kAtSigns) {
    if (absl::StartsWith(text.substr(position), at)) return at.size();
  }
  return 0;
}

}  // namespace

std::string MaskAddresses(absl::string_view text) {
  std::string masked;
  size_t i = 0;
  while (i < text.size()) {
    const size_t at = AtSignLength(text, i);
    if (at == 0) {
      masked.push_back(text[i++]);
      continue;
    }
    // Back over the local part, which is in `masked` by now. A quoted one may hold anything.
    size_t begin = masked.size();
    if (begin > 1 && masked[begin - 1] == '"') {
      const size_t quote = masked.rfind('"', begin - 2);
      begin = quote == std::string::npos ? 0 : quote;
    } else {
      while (begin > 0 && !EndsAddress(masked[begin - 1])) --begin;
    }
    size_t end = i + at;
    while (end < text.size() && !EndsAddress(text[end])) ++end;

    const bool has_local_part = begin < masked.size();
    const bool has_domain = end > i + at;
    if (has_local_part && has_domain) {
      masked.resize(begin);
      masked.append(kMask.data(), kMask.size());
    } else {
      masked.append(text.data() + i, end - i);
    }
    i = end;
  }
  return masked;
}

}  // namespace herald::ops
