#include "server/delivery/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace herald::delivery::internal {
namespace {

constexpr absl::string_view kPoisonPrefix = "poison:";

Failpoint FromEnvironment() {
  static const std::map<absl::string_view, Failpoint> kNames = {
      {"", Failpoint::kNone},
      {"after_claim", Failpoint::kAfterClaim},
      {"after_begin_commit", Failpoint::kAfterBeginCommit},
      {"after_handover_sent", Failpoint::kAfterHandoverSent},
      {"after_response", Failpoint::kAfterResponse},
      {"before_record", Failpoint::kBeforeRecord},
  };
  const char* name = std::getenv("HERALD_FAILPOINT");
  if (name == nullptr) return Failpoint::kNone;
  if (absl::StartsWith(name, kPoisonPrefix)) return Failpoint::kPoison;
  const auto found = kNames.find(name);
  if (found != kNames.end()) return found->second;
  std::cerr << "HERALD_FAILPOINT: there is no failpoint " << name << std::endl;
  std::abort();
}

}  // namespace

const std::atomic<Failpoint> armed_failpoint{FromEnvironment()};

bool IsPoison(absl::string_view template_key) {
  absl::string_view name = std::getenv("HERALD_FAILPOINT");
  return absl::ConsumePrefix(&name, kPoisonPrefix) && name == template_key;
}

void DieAtFailpoint() {
  kill(getpid(), SIGKILL);
  // The signal is pending; no thread gets any further.
  while (true) pause();
}

}  // namespace herald::delivery::internal
