#include "server/identity/caller.h"

namespace herald::identity {

std::string Caller::Actor() const {
  switch (kind) {
    case Kind::kOperator:
      return "operator";
    case Kind::kSidecar:
      return "sidecar";
    case Kind::kTenant:
      break;
  }
  return FormatApiTokenId(token);
}

}  // namespace herald::identity
