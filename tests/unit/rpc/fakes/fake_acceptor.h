#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/acceptance/acceptor.h"
#include "server/status/status_details.h"

namespace herald::rpc {

// Accepts everything at once, or holds what it is given until it is told. Thread-safe.
class FakeAcceptor final : public acceptance::Acceptor {
 public:
  void Accept(std::shared_ptr<const identity::Caller> caller, const v1::SendEmailRequest& request,
              absl::string_view traceparent, absl::Time, Done done) override {
    acceptance::Accepted accepted;
    accepted.email.tenant = caller->tenant;
    accepted.email.recipient = request.recipient().email();
    accepted.email.idempotency_key = request.idempotency_key();
    accepted.email.traceparent = std::string(traceparent);
    std::function<void()> answer;
    {
      absl::MutexLock lock(&mu_);
      accepted.email.id = EmailId{++accepted_};
      accepted.replayed = replay_;
      answer = [done = std::move(done), answer_status = answer_, accepted] {
        if (answer_status.ok()) return done(accepted);
        done(answer_status);
      };
      if (holding_) {
        held_.push_back(std::move(answer));
        return;
      }
    }
    answer();
  }
  void AcceptMany(std::shared_ptr<const identity::Caller> caller,
                  const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                  absl::string_view, absl::Time, ManyDone done) override {
    std::vector<absl::StatusOr<acceptance::Accepted>> results;
    for (const v1::SendEmailRequest& request : requests) {
      if (request.recipient().email().empty()) {
        results.push_back(InvalidRequest({{"recipient.email", "is required"}}));
        continue;
      }
      acceptance::Accepted accepted;
      accepted.email.tenant = caller->tenant;
      accepted.email.id = EmailId{static_cast<int64_t>(results.size()) + 1};
      results.push_back(std::move(accepted));
    }
    done(std::move(results));
  }
  void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                  const v1::SendEmailRequest& request, absl::string_view traceparent,
                  absl::Time deadline, Done done) override {
    Accept(std::move(caller), request, traceparent, deadline, std::move(done));
  }

  void Answer(absl::Status status) {
    absl::MutexLock lock(&mu_);
    answer_ = std::move(status);
  }
  void Replay() {
    absl::MutexLock lock(&mu_);
    replay_ = true;
  }
  void Hold() {
    absl::MutexLock lock(&mu_);
    holding_ = true;
  }
  // Waits until `count` requests are held.
  void AwaitHeld(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto held = [this, count] { return held_.size() >= count; };
    mu_.Await(absl::Condition(&held));
  }
  // Answers what is held, and holds nothing more.
  void Release() {
    std::vector<std::function<void()>> held;
    {
      absl::MutexLock lock(&mu_);
      holding_ = false;
      held.swap(held_);
    }
    for (const auto& answer : held) answer();
  }
  int64_t accepted() {
    absl::MutexLock lock(&mu_);
    return accepted_;
  }

 private:
  absl::Mutex mu_;
  absl::Status answer_ ABSL_GUARDED_BY(mu_);
  bool replay_ ABSL_GUARDED_BY(mu_) = false;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  int64_t accepted_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::function<void()>> held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::rpc
