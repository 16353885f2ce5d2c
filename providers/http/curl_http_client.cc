#include "providers/http/curl_http_client.h"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "providers/http/curl_transfer.h"

namespace herald::providers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kIdlePollMillis = 1000;
constexpr int kWaitingPollMillis = 50;  // how late a request that still waits may time out
constexpr size_t kIdleOriginsMax = 64;

struct Waiting {
  HttpRequest request;
  HttpClient::Done done;
  Clock::time_point deadline;
};

struct Origin {
  int active = 0;
  std::deque<Waiting> waiting;
};

absl::string_view OriginOf(absl::string_view url) {
  const size_t authority = url.find("://");
  if (authority == absl::string_view::npos) return url;
  return url.substr(0, url.find('/', authority + 3));
}

bool HeadersAreClean(const HttpRequest& request) {
  const auto dirty = [](absl::string_view text) {
    return text.find_first_of(absl::string_view("\r\n\0", 3)) != absl::string_view::npos;
  };
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || dirty(name) || dirty(value)) return false;
  }
  return !dirty(request.method) && !dirty(request.url);
}

void Refuse(const HttpClient::Done& done, absl::string_view why) {
  HttpResponse response;
  response.transport = HttpResponse::Transport::kNotSent;
  response.error = std::string(why);
  done(std::move(response));
}

class CurlHttpClient : public HttpClient {
 public:
  explicit CurlHttpClient(const CurlHttpClientOptions& options);
  ~CurlHttpClient() override;
  void Send(HttpRequest request, Done done) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mu_);
  bool TakeArrivals() ABSL_LOCKS_EXCLUDED(mu_);
  bool FallAsleep() ABSL_LOCKS_EXCLUDED(mu_);
  void Enqueue(Waiting arrival);
  void StartWhatMay(Origin& origin);
  void Start(Waiting next);
  void FinishWhatIsOver();
  void ExpireWaiting();
  void CancelAll();

  // Constant after construction.
  const CurlHttpClientOptions options_;
  CURLM* const multi_;

  // Only on the loop's thread.
  absl::flat_hash_map<std::string, std::unique_ptr<Origin>> origins_;
  std::vector<std::unique_ptr<CurlTransfer>> transfers_;
  std::vector<CurlTransfer*> idle_;
  int active_ = 0;
  int waiting_ = 0;
  Clock::time_point next_expiry_;

  absl::Mutex mu_;
  std::vector<Waiting> arrivals_ ABSL_GUARDED_BY(mu_);
  bool asleep_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // last: uses all of the above
};

CurlHttpClient::CurlHttpClient(const CurlHttpClientOptions& options)
    : options_(options), multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 0L + options_.origin_connections_max);
  curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L + options_.connections_max);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 0L + options_.connections_max);
  thread_ = std::thread([this] { Loop(); });
}

CurlHttpClient::~CurlHttpClient() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  transfers_.clear();
  curl_multi_cleanup(multi_);
}

void CurlHttpClient::Send(HttpRequest request, Done done) {
  const absl::Duration timeout = std::clamp(request.timeout, absl::ZeroDuration(), absl::Hours(24));
  const Clock::time_point deadline = Clock::now() + absl::ToChronoNanoseconds(timeout);
  bool wake = false;
  {
    absl::MutexLock lock(&mu_);
    arrivals_.push_back({std::move(request), std::move(done), deadline});
    std::swap(wake, asleep_);
  }
  if (wake) curl_multi_wakeup(multi_);
}

void CurlHttpClient::Loop() {
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  while (TakeArrivals()) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    FinishWhatIsOver();
    ExpireWaiting();
    if (FallAsleep()) {
      curl_multi_poll(multi_, nullptr, 0, waiting_ > 0 ? kWaitingPollMillis : kIdlePollMillis,
                      nullptr);
    }
  }
  CancelAll();
}

// False when the client is being destroyed.
bool CurlHttpClient::TakeArrivals() {
  std::vector<Waiting> arrivals;
  {
    absl::MutexLock lock(&mu_);
    asleep_ = false;
    if (stopping_) return false;
    arrivals.swap(arrivals_);
  }
  for (Waiting& arrival : arrivals) Enqueue(std::move(arrival));
  return true;
}

// False when something arrived meanwhile, so that there is no reason to sleep.
bool CurlHttpClient::FallAsleep() {
  absl::MutexLock lock(&mu_);
  asleep_ = arrivals_.empty() && !stopping_;
  return asleep_;
}

void CurlHttpClient::Enqueue(Waiting arrival) {
  if (!HeadersAreClean(arrival.request)) {
    Refuse(arrival.done, "request holds a line break where none may be");
    return;
  }
  if (waiting_ >= options_.waiting_max) {
    Refuse(arrival.done, "too many requests wait");
    return;
  }
  auto& slot = origins_[OriginOf(arrival.request.url)];
  if (slot == nullptr) slot = std::make_unique<Origin>();
  slot->waiting.push_back(std::move(arrival));
  ++waiting_;
  StartWhatMay(*slot);
}

void CurlHttpClient::StartWhatMay(Origin& origin) {
  while (!origin.waiting.empty() && origin.active < options_.origin_connections_max &&
         active_ < options_.connections_max) {
    Waiting next = std::move(origin.waiting.front());
    origin.waiting.pop_front();
    --waiting_;
    if (next.deadline <= Clock::now()) {
      Refuse(next.done, "timed out while waiting for a connection");
      continue;
    }
    ++origin.active;
    ++active_;
    Start(std::move(next));
  }
}

void CurlHttpClient::Start(Waiting next) {
  if (idle_.empty()) {
    transfers_.push_back(std::make_unique<CurlTransfer>(options_));
    idle_.push_back(transfers_.back().get());
  }
  CurlTransfer* transfer = idle_.back();
  idle_.pop_back();
  transfer->Begin(std::move(next.request), std::move(next.done),
                  absl::FromChrono(next.deadline - Clock::now()));
  curl_multi_add_handle(multi_, transfer->easy());
}

void CurlHttpClient::FinishWhatIsOver() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(multi_, transfer->easy());
    const auto origin = origins_.find(OriginOf(transfer->request().url));
    --origin->second->active;
    --active_;
    transfer->End(code);
    idle_.push_back(transfer);
    StartWhatMay(*origin->second);
    const bool idle = origin->second->active == 0 && origin->second->waiting.empty();
    if (idle && origins_.size() > kIdleOriginsMax) origins_.erase(origin);
  }
}

void CurlHttpClient::ExpireWaiting() {
  const Clock::time_point now = Clock::now();
  if (waiting_ == 0 || now < next_expiry_) return;
  next_expiry_ = now + std::chrono::milliseconds(kWaitingPollMillis);
  for (auto& [name, origin] : origins_) {
    std::deque<Waiting> kept;
    for (Waiting& waiting : origin->waiting) {
      if (waiting.deadline > now) {
        kept.push_back(std::move(waiting));
      } else {
        --waiting_;
        Refuse(waiting.done, "timed out while waiting for a connection");
      }
    }
    origin->waiting.swap(kept);
    StartWhatMay(*origin);  // room that another origin left under connections_max
  }
}

void CurlHttpClient::CancelAll() {
  for (const auto& transfer : transfers_) {
    if (!transfer->active()) continue;
    curl_multi_remove_handle(multi_, transfer->easy());
    transfer->Cancel();
  }
  for (auto& [name, origin] : origins_) {
    for (const Waiting& waiting : origin->waiting) Refuse(waiting.done, "cancelled");
  }
  std::vector<Waiting> arrivals;
  {
    absl::MutexLock lock(&mu_);
    arrivals.swap(arrivals_);
  }
  for (const Waiting& arrival : arrivals) Refuse(arrival.done, "cancelled");
}

}  // namespace

std::unique_ptr<HttpClient> MakeCurlHttpClient(const CurlHttpClientOptions& options) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)initialised;
  return std::make_unique<CurlHttpClient>(options);
}

}  // namespace herald::providers
