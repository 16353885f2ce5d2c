#pragma once

#include <atomic>

#include "absl/status/status.h"
#include "model/contact_id.h"
#include "server/identity/caller.h"
#include "server/rpc/call.h"
#include "server/rpc/page_token.h"
#include "server/rpc/preference_parts.h"
#include "storage/contact_store.h"
#include "storage/segment_store.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// What the methods of ContactService stand on. Everything outlives them.
struct AudienceParts {
  storage::ContactStore& contacts;
  storage::ContactStore& searched;  // the same, for what may look at very many
  storage::SegmentStore& segments;
  storage::TenantStore& tenants;  // for its audit log
  ContactIdGenerator& contact_ids;
  const PageTokens& tokens;
  CallShell& shell;
  const std::atomic<bool>& draining;  // streams end at their next step
  PreferenceParts preferences = {};
};

// UNAVAILABLE, for streams that end because the server goes away.
absl::Status StreamDrained();

// Scope MANAGE, and an audit entry written: no address is shown whose showing is not on record.
absl::Status MayRevealEmail(const AudienceParts& parts, const identity::Caller& caller,
                            absl::string_view method, absl::string_view target);

}  // namespace herald::rpc
