#include <string>

#include "client/connection.h"
#include "client/herald_client.h"
#include "client/retry.h"

namespace herald::client {
namespace {

// What is known between two streams of one watch.
struct Progress {
  v1::WatchEmailEventsRequest resume;
  absl::Time last_word;
  bool stream_spoke = false;
  bool ended_by_callback = false;
};

// Lets a Cancellation reach the stream that is open at the moment.
class InterruptScope {
 public:
  InterruptScope(Cancellation* cancellation, grpc::ClientContext& context)
      : cancellation_(cancellation) {
    if (cancellation_ != nullptr) cancellation_->SetInterrupt([&context] { context.TryCancel(); });
  }
  ~InterruptScope() {
    if (cancellation_ != nullptr) cancellation_->ClearInterrupt();
  }
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  Cancellation* const cancellation_;
};

bool IsCancelled(const WatchOptions& watch) {
  return watch.cancellation != nullptr && watch.cancellation->cancelled();
}

}  // namespace

absl::Status Client::WatchEmailEvents(const WatchOptions& watch,
                                      const WatchCallback& on_batch) const {
  if (!IsUsableDeadline(watch.stream_lifetime)) {
    return absl::InvalidArgumentError("stream_lifetime must be positive and finite");
  }
  const Timing& timing = connection_->options.timing;
  Backoff backoff(connection_->options.retry, timing);
  Progress progress;
  progress.resume.set_cursor(watch.cursor);
  progress.resume.set_from_now(watch.from_now);
  progress.last_word = timing.now();

  const auto run_stream = [&]() -> absl::Status {
    progress.stream_spoke = false;
    grpc::ClientContext context;
    connection_->Prepare(context, watch.stream_lifetime, "");
    const InterruptScope interrupt(watch.cancellation, context);
    const auto reader = connection_->emails->WatchEmailEvents(&context, progress.resume);
    v1::WatchEmailEventsResponse batch;
    while (reader->Read(&batch)) {
      progress.last_word = timing.now();
      progress.stream_spoke = true;
      backoff.Reset();
      if (!on_batch(batch)) {
        progress.ended_by_callback = true;
        context.TryCancel();
        break;
      }
      if (batch.cursor().empty()) continue;
      progress.resume.set_cursor(batch.cursor());
      progress.resume.set_from_now(false);
    }
    return FromGrpcStatus(reader->Finish());
  };

  while (!IsCancelled(watch)) {
    const absl::Status status = run_stream();
    if (progress.ended_by_callback) return absl::OkStatus();
    if (IsCancelled(watch)) break;
    const bool lifetime_over = absl::IsDeadlineExceeded(status);
    if (lifetime_over && progress.stream_spoke) continue;
    if (!status.ok() && !lifetime_over && !absl::IsUnavailable(status)) return status;
    const absl::Duration wait = backoff.Next(status);
    if (timing.now() + wait - progress.last_word > watch.patience) {
      return status.ok() ? absl::UnavailableError("the server keeps ending the stream") : status;
    }
    timing.sleep(wait);
  }
  return absl::CancelledError("the watch was cancelled");
}

}  // namespace herald::client
