#include "server/rpc/redaction.h"

#include "absl/strings/str_cat.h"

namespace herald::rpc {

std::string RedactAddress(absl::string_view address) {
  const size_t at = address.rfind('@');
  if (address.empty() || at == 0) return std::string(address);
  if (at == absl::string_view::npos) return "***";
  return absl::StrCat(address.substr(0, 1), "***", address.substr(at));
}

}  // namespace herald::rpc
