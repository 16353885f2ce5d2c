#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rpc/call.h"

namespace herald::rpc {

// Whose the stream opened with `token` is, if they may have it; blocks when the token is not known
// yet, or is to be looked at again.
absl::StatusOr<std::shared_ptr<const identity::Caller>> AdmitStream(absl::string_view token,
                                                                    const MethodPolicy& policy,
                                                                    CallShell& shell);

// CANCELLED, for a caller who went away.
absl::Status CallerLeft();

}  // namespace herald::rpc
