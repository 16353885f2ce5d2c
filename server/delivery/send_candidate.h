#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "model/lane.h"
#include "providers/provider.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// An email about to be handed over, as far as limits care.
struct SendCandidate {
  TenantId tenant;
  Lane lane = Lane::kTransactional;
  std::string account;
  std::string category;
  std::string sender_domain;     // lower-case
  std::string recipient_domain;  // lower-case
  std::string user_id;           // may be empty
  absl::Time expire_time;
  std::vector<int64_t> slots_held;  // of one that was parked
  bool test = false;                // goes to the sandbox: nothing limits it
};

SendCandidate CandidateFor(const storage::LeasedEmail& email,
                           const providers::OutboundMessage& message, absl::string_view account);

}  // namespace herald::delivery
