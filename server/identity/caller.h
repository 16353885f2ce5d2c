#pragma once

#include <string>
#include <vector>

#include "model/ids.h"
#include "storage/tenant_store.h"

namespace herald::identity {

// Who makes a call, as proven by its token. Immutable; shared by the calls of one token for as long
// as the cache holds it.
struct Caller {
  enum class Kind { kTenant, kOperator, kSidecar };
  Kind kind = Kind::kTenant;
  // Below: kTenant only.
  TenantId tenant;
  ApiTokenId token;
  storage::TokenMode mode = storage::TokenMode::kLive;
  int scopes = 0;                               // bits of storage::TokenScope
  std::vector<std::string> allowed_recipients;  // kRestricted
  std::vector<std::string> sender_domains;      // what the tenant may send from

  // As written into the audit log: "operator", "sidecar" or the token's id.
  std::string Actor() const;
};

}  // namespace herald::identity
