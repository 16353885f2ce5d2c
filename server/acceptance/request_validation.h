#pragma once

#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "herald/v1/email_service.pb.h"
#include "model/address.h"
#include "model/lane.h"

namespace herald::acceptance {

// How long a lane's email may wait for a provider before it is EXPIRED.
using LaneLifetimes = std::map<Lane, absl::Duration>;

// A request whose every field was looked at, with defaults filled in.
struct CheckedRequest {
  Address recipient;
  Address from;
  std::vector<Address> reply_to;
  Lane lane = Lane::kTransactional;
  std::string category;
  absl::optional<absl::Time> send_time;  // only when it lies ahead
  absl::Time expire_time;
};

// Checks everything that needs no look-up. The error carries all violations found.
absl::StatusOr<CheckedRequest> ValidateRequest(const v1::SendEmailRequest& request,
                                               const LaneLifetimes& lifetimes, absl::Time now);

}  // namespace herald::acceptance
