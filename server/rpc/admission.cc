#include "server/rpc/admission.h"

#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);

}  // namespace

bool Admission::Enter() {
  absl::MutexLock lock(&mu_);
  return ++held_ <= limit_;
}

void Admission::Leave() {
  absl::MutexLock lock(&mu_);
  --held_;
}

void Admission::WaitEmpty() {
  absl::MutexLock lock(&mu_, absl::Condition(this, &Admission::Empty));
}

absl::Status Overloaded() {
  return WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                                  "the server has as many calls as it can work on; try again"),
                        kRetryDelay);
}

}  // namespace herald::rpc
