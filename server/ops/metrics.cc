#include "server/ops/metrics.h"

#include <algorithm>
#include <cassert>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/ops/metric_families.h"

namespace herald::ops {
namespace {

constexpr std::array kAcceptedStates = {EmailState::kQueued, EmailState::kScheduled,
                                        EmailState::kSuppressed};
constexpr std::array kFinishedStates = {EmailState::kSent,      EmailState::kFailed,
                                        EmailState::kDead,      EmailState::kSuppressed,
                                        EmailState::kCancelled, EmailState::kExpired};
constexpr std::array kOutcomes = {Outcome::kAccepted, Outcome::kRetryable, Outcome::kUnconfirmed,
                                  Outcome::kRejected, Outcome::kProviderDown};
static_assert(kOutcomes.size() == AccountMetrics::kOutcomeCount);

const Buckets kSendSeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
const Buckets kAcceptToSentSeconds = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,    2.5,
                                      5,    10,    30,   60,  300,  1800, 3600, 21600};
const Buckets kLimitSeconds = {0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400};
const Buckets kGroupSizes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000};

size_t OutcomeIndex(Outcome outcome) { return static_cast<size_t>(outcome) - 1; }

// Counters by lane and state; a state that was not named has none.
class LaneStateCounters {
 public:
  template <size_t N>
  LaneStateCounters(CounterFamily& family, const std::array<EmailState, N>& states) {
    for (Lane lane : kAllLanes) {
      for (EmailState state : states) {
        At(lane, state) = &family.Add(
            {{"lane", std::string(LaneName(lane))}, {"state", LowerCase(EmailStateName(state))}});
      }
    }
  }

  void Increment(Lane lane, EmailState state, int64_t count) {
    prometheus::Counter* counter = At(lane, state);
    assert(counter != nullptr);
    if (counter != nullptr) counter->Increment(static_cast<double>(count));
  }

 private:
  prometheus::Counter*& At(Lane lane, EmailState state) {
    return counters_[LaneIndex(lane)][static_cast<size_t>(state) - 1];
  }
  std::array<std::array<prometheus::Counter*, kAllEmailStates.size()>, kLaneCount> counters_{};
};

// By the limit that makes emails wait.
class LimitMetrics {
 public:
  LimitMetrics(CounterFamily& parked, HistogramFamily& delays) {
    for (LimitScope scope : kSendScopes) {
      const std::string name(LimitScopeName(scope));
      parked_[Index(scope)] = &parked.Add({{"limit", name}});
      delays_[Index(scope)] = &delays.Add({{"limit", name}}, kLimitSeconds);
    }
  }

  void Parked(LimitScope scope, absl::Duration delay) {
    parked_[Index(scope)]->Increment();
    delays_[Index(scope)]->Observe(absl::ToDoubleSeconds(delay));
  }

 private:
  static size_t Index(LimitScope scope) { return static_cast<size_t>(scope) - 1; }
  std::array<prometheus::Counter*, kSendScopes.size()> parked_{};
  std::array<prometheus::Histogram*, kSendScopes.size()> delays_{};
};

constexpr std::array kLedgerColumns = {"accepted", "pending",    "sent",      "failed",
                                       "dead",     "suppressed", "cancelled", "expired"};

// The ledger by lane and column.
class LedgerGauges {
 public:
  explicit LedgerGauges(GaugeFamily& family) {
    for (Lane lane : kAllLanes) {
      for (size_t i = 0; i < kLedgerColumns.size(); ++i) {
        gauges_[LaneIndex(lane)][i] =
            &family.Add({{"lane", std::string(LaneName(lane))}, {"state", kLedgerColumns[i]}});
      }
    }
  }

  void Set(Lane lane, LedgerColumn column, int64_t emails) {
    gauges_[LaneIndex(lane)].at(static_cast<size_t>(column))->Set(static_cast<double>(emails));
  }

 private:
  std::array<std::array<prometheus::Gauge*, kLedgerColumns.size()>, kLaneCount> gauges_{};
};

}  // namespace

RpcMetrics::RpcMetrics(absl::string_view method, CounterFamily* requests,
                       prometheus::Histogram* seconds)
    : method_(method), requests_(requests), seconds_(seconds) {}

void RpcMetrics::Done(absl::StatusCode code, absl::Duration took) {
  seconds_->Observe(absl::ToDoubleSeconds(took));
  const auto number = static_cast<size_t>(code);
  const size_t index =
      number < kCodeCount ? number : static_cast<size_t>(absl::StatusCode::kUnknown);
  prometheus::Counter* counter = by_code_[index].load(std::memory_order_acquire);
  if (counter == nullptr) {
    const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(index));
    // Adding the same labels twice gives the same counter, so a race is harmless.
    counter = &requests_->Add({{"method", method_}, {"code", name}});
    by_code_[index].store(counter, std::memory_order_release);
  }
  counter->Increment();
}

void AccountMetrics::Attempted(Outcome outcome, absl::Duration took) {
  attempts_[OutcomeIndex(outcome)]->Increment();
  seconds_->Observe(absl::ToDoubleSeconds(took));
}

struct ServiceMetrics::Families {
  explicit Families(absl::string_view version) : base(version) {}

  MetricsRegistry base;
  prometheus::Registry& registry = base.registry();

  CounterFamily& rpc_requests =
      Counters(registry, "herald_rpc_requests_total", "RPCs by method and status code");
  HistogramFamily& rpc_seconds = Histograms(registry, "herald_rpc_duration_seconds",
                                            "Time from a request's arrival to its answer");
  LaneStateCounters accepted{
      Counters(registry, "herald_emails_accepted_total", "Emails made durable, by first state"),
      kAcceptedStates};
  prometheus::Histogram& group_size =
      Histograms(registry, "herald_acceptance_group_size", "Emails in one accepting transaction")
          .Add({}, kGroupSizes);
  std::array<prometheus::Gauge*, kLaneCount> queue_depth = ForEachLane(
      Gauges(registry, "herald_queue_depth", "Emails that wait, scheduled ones included"));
  std::array<prometheus::Gauge*, kLaneCount> queue_oldest_age =
      ForEachLane(Gauges(registry, "herald_queue_oldest_age_seconds",
                         "How long the longest-waiting email has been due"));
  CounterFamily& attempts =
      Counters(registry, "herald_attempts_total", "Hand-overs to a provider, by outcome");
  HistogramFamily& send_seconds = Histograms(registry, "herald_provider_send_duration_seconds",
                                             "Time a provider took to answer");
  std::array<prometheus::Histogram*, kLaneCount> accept_to_sent =
      ForEachLane(Histograms(registry, "herald_accept_to_sent_seconds",
                             "Time from acceptance, or send_time, to the provider's yes"),
                  kAcceptToSentSeconds);
  LaneStateCounters finished{Counters(registry, "herald_emails_finished_total",
                                      "Emails that left the queue, by end state"),
                             kFinishedStates};
  LedgerGauges ledger{Gauges(registry, "herald_ledger_emails",
                             "Emails ever accepted, and how many are in each state now")};
  std::array<prometheus::Counter*, kLaneCount> retries =
      ForEachLane(Counters(registry, "herald_retries_total", "Attempts put off to a later time"));
  std::array<prometheus::Counter*, kLaneCount> render_failures = ForEachLane(Counters(
      registry, "herald_render_failures_total", "Emails whose template could not be rendered"));
  LimitMetrics limits{
      Counters(registry, "herald_emails_parked_total", "Emails that a rate limit put off"),
      Histograms(registry, "herald_limit_delay_seconds",
                 "How long a rate limit makes emails wait")};
  prometheus::Counter& ingest_refused =
      Counters(registry, "herald_ingest_refused_total", "Emails refused by an ingest limit")
          .Add({});
  prometheus::Counter& leases_rescued =
      Counters(registry, "herald_leases_rescued_total", "Leases that ran out and were taken back")
          .Add({});
  prometheus::Counter& stale_outcomes =
      Counters(registry, "herald_stale_outcomes_total", "Outcomes dropped: the lease was lost")
          .Add({});
  CounterFamily& events =
      Counters(registry, "herald_delivery_events_total", "Provider events recorded, by type");
  prometheus::Counter& events_duplicate =
      Counters(registry, "herald_delivery_events_duplicate_total", "Provider events seen before")
          .Add({});
  prometheus::Counter& events_unmatched =
      Counters(registry, "herald_delivery_events_unmatched_total",
               "Provider events about no email of ours")
          .Add({});
  GaugeFamily& account_state =
      Gauges(registry, "herald_account_state",
             "Provider account: 0 closed, 1 half open, 2 open, 3 disabled");
  CounterFamily& failovers =
      Counters(registry, "herald_failovers_total",
               "Emails that went on to another account, by the account that failed them");
  CounterFamily& database_errors =
      Counters(registry, "herald_db_errors_total", "Failed database calls, by status code");
  // There from the start: a rate over a series that begins with its first error misses that error.
  prometheus::Counter& database_unavailable = database_errors.Add({{"code", "UNAVAILABLE"}});

  absl::Mutex mu;
  std::map<std::string, std::unique_ptr<RpcMetrics>> rpcs ABSL_GUARDED_BY(mu);
  std::map<std::string, std::unique_ptr<AccountMetrics>> accounts ABSL_GUARDED_BY(mu);
};

ServiceMetrics::ServiceMetrics(absl::string_view version)
    : families_(std::make_unique<Families>(version)) {}

ServiceMetrics::~ServiceMetrics() = default;

RpcMetrics& ServiceMetrics::Rpc(absl::string_view method) {
  absl::MutexLock lock(&families_->mu);
  std::unique_ptr<RpcMetrics>& rpc = families_->rpcs[std::string(method)];
  if (rpc == nullptr) {
    prometheus::Histogram& seconds =
        families_->rpc_seconds.Add({{"method", std::string(method)}}, kRequestSeconds);
    rpc = std::make_unique<RpcMetrics>(method, &families_->rpc_requests, &seconds);
  }
  return *rpc;
}

AccountMetrics& ServiceMetrics::Account(absl::string_view account) {
  const std::string name(account);
  absl::MutexLock lock(&families_->mu);
  std::unique_ptr<AccountMetrics>& metrics = families_->accounts[name];
  if (metrics == nullptr) {
    std::array<prometheus::Counter*, AccountMetrics::kOutcomeCount> attempts{};
    for (Outcome outcome : kOutcomes) {
      attempts[OutcomeIndex(outcome)] = &families_->attempts.Add(
          {{"account", name}, {"outcome", std::string(OutcomeName(outcome))}});
    }
    metrics = std::make_unique<AccountMetrics>(
        attempts, &families_->send_seconds.Add({{"account", name}}, kSendSeconds));
  }
  return *metrics;
}

void ServiceMetrics::EmailsAccepted(Lane lane, EmailState state, int count) {
  const auto* known = std::find(kAcceptedStates.begin(), kAcceptedStates.end(), state);
  if (known == kAcceptedStates.end()) state = EmailState::kQueued;
  families_->accepted.Increment(lane, state, count);
}
void ServiceMetrics::AcceptanceGroup(int size) { families_->group_size.Observe(size); }

void ServiceMetrics::QueueMeasured(Lane lane, int64_t depth, absl::Duration oldest_age) {
  families_->queue_depth[LaneIndex(lane)]->Set(static_cast<double>(depth));
  families_->queue_oldest_age[LaneIndex(lane)]->Set(absl::ToDoubleSeconds(oldest_age));
}

void ServiceMetrics::AcceptedToSent(Lane lane, absl::Duration took) {
  families_->accept_to_sent[LaneIndex(lane)]->Observe(absl::ToDoubleSeconds(took));
}
void ServiceMetrics::EmailsFinished(Lane lane, EmailState state, int64_t count) {
  families_->finished.Increment(lane, state, count);
}
void ServiceMetrics::LedgerMeasured(Lane lane, LedgerColumn column, int64_t emails) {
  families_->ledger.Set(lane, column, emails);
}
void ServiceMetrics::Retried(Lane lane) { families_->retries[LaneIndex(lane)]->Increment(); }
void ServiceMetrics::RenderFailed(Lane lane) {
  families_->render_failures[LaneIndex(lane)]->Increment();
}
void ServiceMetrics::Parked(LimitScope limit, absl::Duration delay) {
  families_->limits.Parked(limit, delay);
}
void ServiceMetrics::IngestRefused(int count) { families_->ingest_refused.Increment(count); }
void ServiceMetrics::LeasesRescued(int count) { families_->leases_rescued.Increment(count); }
void ServiceMetrics::StaleOutcomes(int count) { families_->stale_outcomes.Increment(count); }

void ServiceMetrics::DeliveryEvent(EventType type) {
  families_->events.Add({{"type", LowerCase(EventTypeName(type))}}).Increment();
}
void ServiceMetrics::DeliveryEventDuplicate() { families_->events_duplicate.Increment(); }
void ServiceMetrics::DeliveryEventUnmatched() { families_->events_unmatched.Increment(); }

void ServiceMetrics::AccountState(absl::string_view account, int state) {
  families_->account_state.Add({{"account", std::string(account)}}).Set(state);
  // There from the start, as database_unavailable.
  families_->failovers.Add({{"account", std::string(account)}});
}
void ServiceMetrics::FailedOver(absl::string_view account) {
  families_->failovers.Add({{"account", std::string(account)}}).Increment();
}

void ServiceMetrics::DatabaseError(absl::StatusCode code) {
  families_->database_errors.Add({{"code", absl::StatusCodeToString(code)}}).Increment();
}

MetricsRegistry& ServiceMetrics::registry() { return families_->base; }

}  // namespace herald::ops
