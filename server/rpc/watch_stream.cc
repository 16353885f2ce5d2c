#include "server/rpc/watch_stream.h"

#include <utility>

#include "server/rpc/call_metadata.h"
#include "server/rpc/request_check.h"
#include "server/rpc/stream_caller.h"
#include "server/rpc/wire_status.h"
#include "server/status/status_details.h"

namespace herald::rpc {

grpc::ServerWriteReactor<v1::WatchEmailEventsResponse>* WatchStream::Open(
    grpc::CallbackServerContext& context, const v1::WatchEmailEventsRequest& request, WatchHub& hub,
    CallShell& shell) {
  std::shared_ptr<WatchStream> stream(new WatchStream(context, request, hub, shell));
  stream->self_ = stream;
  stream->Begin();
  return stream.get();
}

WatchStream::WatchStream(const grpc::CallbackServerContext& context,
                         const v1::WatchEmailEventsRequest& request, WatchHub& hub,
                         CallShell& shell)
    : token_(BearerToken(context)),
      request_(request),
      hub_(hub),
      shell_(shell),
      policy_(PolicyOf("herald.v1.EmailService/WatchEmailEvents")),
      begin_time_(shell.clock()) {}

void WatchStream::Begin() {
  const bool taken = shell_.executor.Submit([stream = shared_from_this()] {
    stream->Join(AdmitStream(stream->token_, stream->policy_, stream->shell_));
  });
  if (!taken) End(TooManyWatches());
}

absl::Status WatchStream::Check() { return AdmitStream(token_, policy_, shell_).status(); }

void WatchStream::Join(const identity::Authenticator::Result& caller) {
  if (!caller.ok()) return End(caller.status());
  const TenantId tenant = (*caller)->tenant;
  absl::optional<storage::FeedCursor> cursor;
  if (!request_.from_now()) {
    const absl::StatusOr<storage::FeedCursor> parsed = hub_.ParseCursor(tenant, request_.cursor());
    if (!parsed.ok()) return End(parsed.status());
    cursor = *parsed;
  } else if (!request_.cursor().empty()) {
    return End(InvalidField("cursor", "must be empty when from_now is set"));
  }
  // The lock makes the hub's first message wait until the key is known.
  absl::ReleasableMutexLock lock(&mu_);
  if (finished_) return;
  const absl::StatusOr<WatchHub::Key> key = hub_.Add(shared_from_this(), tenant, cursor);
  if (key.ok()) {
    key_ = *key;
    return;
  }
  lock.Release();
  End(key.status());
}

void WatchStream::Deliver(Message message) {
  absl::MutexLock lock(&mu_);
  if (finished_ || ending_.has_value()) return;
  writing_ = std::move(message);
  StartWrite(writing_.get());
}

void WatchStream::End(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (finished_ || ending_.has_value()) return;
  if (writing_ != nullptr) {
    ending_ = status;  // OnWriteDone finishes
    return;
  }
  finished_ = true;
  const absl::Status told = FromStorage(status);
  shell_.observer.OnCall(policy_.method, told, shell_.clock() - begin_time_);
  Finish(ToGrpcStatus(told));
}

void WatchStream::OnWriteDone(bool ok) {
  absl::optional<absl::Status> ending;
  absl::optional<WatchHub::Key> key;
  {
    absl::MutexLock lock(&mu_);
    writing_.reset();
    ending.swap(ending_);
    key = key_;
  }
  if (ending.has_value()) return End(*ending);
  if (!ok) return End(CallerLeft());
  if (key.has_value()) hub_.Ready(*key);
}

void WatchStream::OnCancel() { End(CallerLeft()); }

void WatchStream::OnDone() {
  absl::optional<WatchHub::Key> key;
  {
    absl::MutexLock lock(&mu_);
    key = key_;
  }
  if (key.has_value()) hub_.Remove(*key);
  const std::shared_ptr<WatchStream> last = std::move(self_);  // released on return
}

}  // namespace herald::rpc
