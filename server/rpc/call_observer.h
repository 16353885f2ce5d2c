#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald::rpc {

// Told of every finished call, shed and refused ones included. Implementations are thread-safe and
// must not block: OnCall runs on the threads that answer calls.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // `method` is e.g. "herald.v1.EmailService/SendEmail" and lives as long as the process.
  // `duration` runs from arrival to the answer, of a stream to its end.
  // `status` is what the caller is told; herald::Cause tells what lay behind it.
  virtual void OnCall(absl::string_view method, const absl::Status& status,
                      absl::Duration duration) = 0;
  // An item of a batch call failed through no fault of the caller, who is told `status`; the call
  // as such may well be OK. Told of one item a call.
  virtual void OnFailedItem(absl::string_view /*method*/, const absl::Status& /*status*/) {}
};

}  // namespace herald::rpc
