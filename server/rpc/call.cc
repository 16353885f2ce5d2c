#include "server/rpc/call.h"

#include <string>
#include <utility>

#include "server/rpc/call_metadata.h"
#include "server/rpc/wire_status.h"
#include "server/status/status_details.h"

namespace herald::rpc {

absl::Status DeadlinePassed() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                   "the deadline passed before work began; nothing was done");
}

Call::~Call() {
  if (stage_ == Stage::kArrived) shell_.admission.Leave();
}

absl::string_view Call::traceparent() const { return TraceParent(context_); }

void Call::AddResponseMetadata(const char* key, const char* value) {
  context_.AddInitialMetadata(key, value);
}

grpc::Status Call::Close(const absl::Status& status) {
  const absl::Status told = FromStorage(status);
  shell_.observer.OnCall(policy_.method, told, shell_.clock() - begin_time_);
  return ToGrpcStatus(told);
}

void Call::OnCompletion(bool ok) {
  if (stage_ == Stage::kArrived || !ok) {  // answered, or never to arrive: the server shuts down
    delete this;
    return;
  }
  PostNext();
  Begin();
}

void Call::Begin() {
  stage_ = Stage::kArrived;
  begin_time_ = shell_.clock();
  if (!shell_.admission.Enter()) return FinishWith(Overloaded());
  deadline_ = Deadline(context_);
  if (begin_time_ >= deadline_) return FinishWith(DeadlinePassed());
  const absl::optional<identity::Authenticator::Hit> hit =
      shell_.authenticator.TryCached(BearerToken(context_));
  if (!hit.has_value()) {
    return SubmitOrShed([this] {
      Continue(shell_.authenticator.Load(BearerToken(context_)), /*on_executor=*/true);
    });
  }
  if (hit->refresh) RefreshLater();
  Continue(hit->result, /*on_executor=*/false);
}

void Call::Continue(const identity::Authenticator::Result& caller, bool on_executor) {
  if (!caller.ok()) return FinishWith(caller.status());
  const absl::Status access = CheckAccess(policy_, **caller);
  if (!access.ok()) return FinishWith(access);
  caller_ = *caller;
  if (policy_.runs == MethodPolicy::Runs::kInline) return RunHandler();
  if (policy_.runs == MethodPolicy::Runs::kAsSearch) {
    if (!shell_.searches.Submit(caller_->tenant, [this] { RunInTime(); })) FinishWith(Overloaded());
    return;
  }
  if (on_executor) return RunInTime();
  SubmitOrShed([this] { RunInTime(); });
}

void Call::RunInTime() {
  // The queue may have taken longer than the caller waits.
  if (shell_.clock() >= deadline_) return FinishWith(DeadlinePassed());
  RunHandler();
}

void Call::SubmitOrShed(Executor::Task task) {
  if (!shell_.executor.Submit(std::move(task))) FinishWith(Overloaded());
}

void Call::RefreshLater() {
  // The next hit asks again when there is no room now.
  (void)shell_.executor.Submit(
      [&authenticator = shell_.authenticator, token = std::string(BearerToken(context_))] {
        (void)authenticator.Load(token);
      });
}

}  // namespace herald::rpc
