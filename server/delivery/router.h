#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "model/lane.h"
#include "providers/provider.h"

namespace herald::delivery {

// What an email, or a chunk of them, asks of a provider account.
struct RouteQuery {
  TenantId tenant;
  Lane lane = Lane::kTransactional;
  bool test = false;         // of a test token: for the sandbox, never for another account
  size_t message_bytes = 0;  // of the largest message, as on the wire
  bool attachments = false;
  bool international = false;         // the recipient's local part is not ASCII
  std::vector<std::string> excluded;  // accounts that are not to take it
  bool peek = false;                  // only ask: nothing is handed over now
};

struct RouteChoice {
  providers::Provider* provider = nullptr;  // nullptr: no account takes it now
  // Of nullptr:
  absl::string_view reason = "";  // for programs: no_route, no_capable_account, accounts_down
  bool for_good = false;          // no account of the route could ever carry it
  absl::Duration wait;            // when to ask again; without jitter
};

// Bounds of RouteChoice::wait as it is obeyed, before jitter doubles it at most. The upper one is
// how long mail still waits for an account that an operator has enabled again.
constexpr absl::Duration kNoRouteMin = absl::Milliseconds(250);
constexpr absl::Duration kNoRouteMax = absl::Seconds(5);

// Chooses the provider account for an email. Thread-safe, never blocks.
class Router {
 public:
  virtual ~Router() = default;
  // The account that shall take the email now: of the tenant's route for the lane, the first that
  // is healthy, can carry the message and is not excluded. Unless only asked, hand the email over:
  // an account on probation counts it.
  virtual RouteChoice Choose(const RouteQuery& query) = 0;
  // As Choose with this account alone, whatever the route says: for repeating a hand-over.
  virtual RouteChoice ChooseAccount(absl::string_view account) = 0;
  // An account by name; nullptr: not configured (any more).
  virtual providers::Provider* Find(absl::string_view account) const = 0;
};

}  // namespace herald::delivery
