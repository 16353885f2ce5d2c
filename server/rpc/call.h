#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/identity/authenticator.h"
#include "server/rpc/admission.h"
#include "server/rpc/call_observer.h"
#include "server/rpc/completion_loop.h"
#include "server/rpc/executor.h"
#include "server/rpc/last_answers.h"
#include "server/rpc/method_policy.h"
#include "server/rpc/search_executor.h"

namespace herald::rpc {

// What every call needs. The members outlive the server.
struct CallShell {
  identity::Authenticator& authenticator;
  Executor& executor;
  SearchExecutor& searches;
  Admission& admission;
  LastAnswers& last_answers;
  CallObserver& observer;
  std::function<absl::Time()> clock;
};

// One unary call, from its posting to the end of its answer; unary_call.h adds the types. Deletes
// itself. The way of a call: arrived → counted, or shed → deadline → token → access → handler (on
// the polling thread, or on an executor) → Finish, from any thread → answered.
class Call : public CompletionTag {
 public:
  // For handlers, until the call is finished.
  const std::shared_ptr<const identity::Caller>& caller() const { return caller_; }
  absl::string_view method() const { return policy_.method; }
  absl::string_view traceparent() const;
  absl::Time deadline() const { return deadline_; }
  void AddResponseMetadata(const char* key, const char* value);

 protected:
  Call(CallShell& shell, const MethodPolicy& policy) : shell_(shell), policy_(policy) {}
  ~Call() override;

  grpc::ServerContext& context() { return context_; }
  // Tells the observer and converts the status: for Finish, once.
  grpc::Status Close(const absl::Status& status);

  // Posts another call of the same method, unless the queue takes nothing more.
  virtual void PostNext() = 0;
  virtual void RunHandler() = 0;
  // Answers. Exactly once, from any thread; nothing may be touched afterwards.
  virtual void FinishWith(const absl::Status& status) = 0;

 private:
  enum class Stage { kPosted, kArrived };

  void OnCompletion(bool ok) final;
  void Begin();
  void Continue(const identity::Authenticator::Result& caller, bool on_executor);
  void RunInTime();
  void SubmitOrShed(Executor::Task task);
  void RefreshLater();

  CallShell& shell_;
  const MethodPolicy& policy_;
  grpc::ServerContext context_;
  Stage stage_ = Stage::kPosted;
  absl::Time begin_time_;
  absl::Time deadline_ = absl::InfiniteFuture();
  std::shared_ptr<const identity::Caller> caller_;
};

// DEADLINE_EXCEEDED, for calls whose caller has gone before work began.
absl::Status DeadlinePassed();

}  // namespace herald::rpc
