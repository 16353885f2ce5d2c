#pragma once

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "providers/http/http_client.h"

namespace herald::providers {

// Waits for one answer of an HttpClient. Counts, so that a second one is noticed.
class HttpAnswer {
 public:
  HttpClient::Done Callback() {
    return [this](HttpResponse response) {
      absl::MutexLock lock(&mu_);
      response_ = std::move(response);
      ++count_;
    };
  }

  HttpResponse Wait(absl::Duration limit = absl::Seconds(20)) {
    absl::MutexLock lock(&mu_);
    const auto answered = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ > 0; };
    if (!mu_.AwaitWithTimeout(absl::Condition(&answered), limit)) {
      response_.error = "the test waited in vain";
    }
    return response_;
  }

  int count() const {
    absl::MutexLock lock(&mu_);
    return count_;
  }

 private:
  mutable absl::Mutex mu_;
  HttpResponse response_ ABSL_GUARDED_BY(mu_);
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

inline HttpResponse SendAndWait(HttpClient& client, HttpRequest request) {
  HttpAnswer answer;
  client.Send(std::move(request), answer.Callback());
  return answer.Wait();
}

}  // namespace herald::providers
