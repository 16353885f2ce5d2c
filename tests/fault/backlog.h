#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"

namespace herald::fault {

struct BacklogOptions {
  int emails = 1000;
  v1::Lane lane = v1::LANE_BULK;
  bool chunked = true;           // lane BULK: in chunks of 100; otherwise each waits for itself
  std::string name = "backlog";  // of the keys
};

// Emails that wait, put into the database by the code that accepts them but without the calls: many
// in little time, from before or behind heraldd's back. By tenant id and key, as an accounting
// wants them.
absl::StatusOr<std::map<std::pair<std::string, std::string>, Acknowledged>> QueueBacklog(
    const Stack& stack, const Tenant& tenant, const BacklogOptions& options);

}  // namespace herald::fault
