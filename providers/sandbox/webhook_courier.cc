#include "providers/sandbox/webhook_courier.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "providers/svix/signature.h"

namespace herald::providers {

struct WebhookCourier::State {
  struct Webhook {
    std::string id;
    std::string body;
    int attempts = 0;
  };

  State(WebhookCourierOptions o, HttpClient& h, std::function<absl::Time()> c)
      : options(std::move(o)), http(h), clock(std::move(c)) {}

  // Runs until Stop.
  static void Run(const std::shared_ptr<State>& state);
  static void Dispatch(const std::shared_ptr<State>& state, Webhook webhook);
  void Answered(Webhook webhook, const HttpResponse& response);

  // Constant after construction.
  const WebhookCourierOptions options;
  HttpClient& http;  // only used by the courier's own thread
  const std::function<absl::Time()> clock;

  absl::Mutex mu;
  absl::CondVar changed;
  std::multimap<absl::Time, Webhook> due ABSL_GUARDED_BY(mu);  // by the system's clock
  int in_flight ABSL_GUARDED_BY(mu) = 0;
  bool stopping ABSL_GUARDED_BY(mu) = false;
};

WebhookCourier::WebhookCourier(WebhookCourierOptions options, HttpClient& http,
                               std::function<absl::Time()> clock)
    : state_(std::make_shared<State>(std::move(options), http, std::move(clock))),
      thread_([state = state_] { State::Run(state); }) {}

WebhookCourier::~WebhookCourier() {
  {
    absl::MutexLock lock(&state_->mu);
    state_->stopping = true;
    state_->changed.Signal();
  }
  thread_.join();
}

void WebhookCourier::Send(std::string id, std::string body, absl::Duration after) {
  absl::MutexLock lock(&state_->mu);
  if (state_->due.size() >= state_->options.waiting_max) return;
  const auto at =
      state_->due.emplace(absl::Now() + after, State::Webhook{std::move(id), std::move(body)});
  if (at == state_->due.begin()) state_->changed.Signal();
}

void WebhookCourier::State::Run(const std::shared_ptr<State>& state) {
  while (true) {
    Webhook next;
    {
      absl::MutexLock lock(&state->mu);
      while (!state->stopping) {
        const bool may_send = state->in_flight < state->options.in_flight_max;
        if (!may_send || state->due.empty()) {
          state->changed.Wait(&state->mu);
        } else if (state->due.begin()->first > absl::Now()) {
          state->changed.WaitWithDeadline(&state->mu, state->due.begin()->first);
        } else {
          break;
        }
      }
      if (state->stopping) return;
      next = std::move(state->due.begin()->second);
      state->due.erase(state->due.begin());
      ++state->in_flight;
    }
    Dispatch(state, std::move(next));
  }
}

void WebhookCourier::State::Dispatch(const std::shared_ptr<State>& state, Webhook webhook) {
  const absl::Time now = state->clock();
  HttpRequest request;
  request.url = state->options.url;
  request.timeout = state->options.timeout;
  request.body = webhook.body;
  request.headers = {
      {"Content-Type", "application/json"},
      {"User-Agent", "herald-sandbox/0.1"},
      {"svix-id", webhook.id},
      {"svix-timestamp", absl::StrCat(absl::ToUnixSeconds(now))},
      {"svix-signature", *SignSvix(state->options.secret, webhook.id, now, webhook.body)}};
  state->http.Send(std::move(request),
                   [state, webhook = std::move(webhook)](const HttpResponse& response) mutable {
                     state->Answered(std::move(webhook), response);
                   });
}

void WebhookCourier::State::Answered(Webhook webhook, const HttpResponse& response) {
  const bool received = response.transport == HttpResponse::Transport::kAnswered &&
                        response.status >= 200 && response.status < 300;
  absl::MutexLock lock(&mu);
  --in_flight;
  if (!received && ++webhook.attempts < options.attempts_max) {
    const absl::Duration backoff = options.backoff_initial * (1 << (webhook.attempts - 1));
    due.emplace(absl::Now() + backoff, std::move(webhook));
  }
  changed.Signal();
}

}  // namespace herald::providers
