#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "model/ids.h"
#include "storage/crypto/hmac.h"
#include "storage/crypto/secret_key.h"

namespace herald::rpc {

// Opaque page tokens and cursors: a position, bound by an HMAC to the list it belongs to. A token
// that was changed, or that is shown to another method, tenant or filter, is refused.
class PageTokens {
 public:
  // `keys`, one at least, are the same on every replica: the first seals, all open, so that a new
  // one in front breaks nothing while the old one is among them.
  explicit PageTokens(const std::vector<storage::SecretKey>& keys);

  // `list` names what is listed, see ListName. `position` is up to the caller.
  std::string Seal(absl::string_view list, absl::string_view position) const;
  // nullopt for a token that was not sealed for `list`.
  absl::optional<std::string> Open(absl::string_view list, absl::string_view token) const;

  // With a number as position.
  std::string SealNumber(absl::string_view list, int64_t position) const;
  absl::optional<int64_t> OpenNumber(absl::string_view list, absl::string_view token) const;

 private:
  std::vector<storage::HmacSha256> macs_;  // constant after construction
};

// Names a list by its method, tenant and filter; equal filters give equal names.
std::string ListName(absl::string_view method, TenantId tenant);
std::string ListName(absl::string_view method, TenantId tenant,
                     const google::protobuf::Message& filter);

}  // namespace herald::rpc
