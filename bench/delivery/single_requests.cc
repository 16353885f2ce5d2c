#include <map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/delivery/drain.h"
#include "bench/delivery/drain_parts.h"
#include "bench/delivery/timed_chunk_store.h"

namespace herald::bench {
namespace {

constexpr int kHttpInFlight = 256;

// Before a measure, which otherwise pays when autovacuum comes for what was written before it.
void Tidy(World& world) { world.Query("VACUUM ANALYZE"); }

// The engine of one lane against an account that takes one email a request.
class SinglesEngine {
 public:
  SinglesEngine(World& world, Lane lane) : world_(world), lane_(lane), chunks_(world.chunks()) {
    delivery::LanePolicy policy = delivery::DefaultLanePolicy(lane);
    policy.workers = 2;
    delivery::DeliveryParts parts = PartsOf(world, observer_);
    parts.router = &world.singles_router();
    if (lane == Lane::kBulk) parts.chunks = &chunks_;
    setup_ = {policy, parts};
  }

  absl::Status WarmUp() {
    const auto engine = Make();
    return bench::WarmUp(world_, lane_, *engine);
  }

  // How long the drain of `emails` takes; its costs go to `measures` as of `what`, unless that is
  // empty.
  absl::StatusOr<absl::Duration> Drain(int64_t emails, const std::string& what,
                                       std::vector<Measure>& measures) {
    if (absl::Status status = world_.Accept(lane_, emails); !status.ok()) return status;
    Tidy(world_);
    const int64_t taken_before = world_.Taken();
    const Costs costs(world_);
    const absl::Time begin = absl::Now();
    const auto engine = Make();
    while (Waiting(world_) > 0) absl::SleepFor(kPoll);
    const absl::Duration took = absl::Now() - begin;
    if (!what.empty()) costs.Add(what, emails, measures);
    engine->Drain(absl::Now() + absl::Seconds(5));
    if (absl::Status status = CheckTaken(world_, taken_before, emails); !status.ok()) return status;
    return took;
  }

 private:
  std::unique_ptr<delivery::Engine> Make() {
    return std::make_unique<delivery::Engine>(
        std::map<Lane, delivery::Engine::LaneSetup>{{lane_, setup_}});
  }

  World& world_;
  const Lane lane_;
  TimedChunkStore chunks_;
  delivery::DeliveryObserver observer_;
  delivery::Engine::LaneSetup setup_;
};

// Keeps the last request and answers none.
class RequestCatcher : public providers::HttpClient {
 public:
  void Send(providers::HttpRequest request, Done) override { caught = std::move(request); }
  providers::HttpRequest caught;
};

// What the engine hands over for an email. Leaves the chunk of that email in the queue.
absl::StatusOr<providers::HttpRequest> RequestOfOneEmail(World& world) {
  if (absl::Status status = world.Accept(Lane::kBulk, 100); !status.ok()) return status;
  const auto claimed = world.chunks().Claim(Lane::kBulk, 1, absl::Minutes(1), {});
  if (!claimed.ok()) return claimed.status();
  const auto message = world.renderer().Render(claimed->at(0).members.at(0));
  if (!message.ok()) return message.status();
  RequestCatcher catcher;
  const auto account = world.MakeAccount(catcher);
  account->Send(account->Prepare(*message), absl::Seconds(20), [](providers::SendResult) {});
  if (absl::Status status = world.chunks().ReturnLeases({claimed->at(0).lease}); !status.ok()) {
    return status;
  }
  return std::move(catcher.caught);
}

// How long the HTTP client alone takes for `count` requests.
absl::Duration HttpAlone(World& world, const providers::HttpRequest& request, int64_t count) {
  absl::Mutex mutex;
  int in_flight = 0;
  const auto room = [&in_flight] { return in_flight < kHttpInFlight; };
  const auto idle = [&in_flight] { return in_flight == 0; };
  const absl::Time begin = absl::Now();
  for (int64_t i = 0; i < count; ++i) {
    {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(&room));
      ++in_flight;
    }
    world.http().Send(request, [&](const providers::HttpResponse&) {
      absl::MutexLock lock(&mutex);
      --in_flight;
    });
  }
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(&idle));
  return absl::Now() - begin;
}

double Rate(int64_t count, absl::Duration took) {
  return static_cast<double>(count) / absl::ToDoubleSeconds(took);
}

}  // namespace

absl::StatusOr<std::vector<Measure>> DrainSingles(World& world, int64_t emails) {
  std::vector<Measure> measures;
  const absl::StatusOr<providers::HttpRequest> request = RequestOfOneEmail(world);
  if (!request.ok()) return request.status();
  SinglesEngine bulk(world, Lane::kBulk);
  if (absl::Status status = bulk.WarmUp(); !status.ok()) return status;
  // By turns, since the pace of a machine drifts within seconds.
  constexpr int kTurns = 4;
  const int64_t turn = std::max<int64_t>(emails / kTurns, 1);
  absl::Duration draining, http;
  for (int i = 0; i < kTurns; ++i) {
    const bool last = i + 1 == kTurns;
    const auto drained = bulk.Drain(turn, last ? "BULK in single requests" : "", measures);
    if (!drained.ok()) return drained.status();
    draining += *drained;
    Tidy(world);
    const Costs http_costs(world);
    http += HttpAlone(world, *request, turn);
    if (last) http_costs.Add("HTTP engine alone", turn, measures);
  }
  const double bulk_rate = Rate(turn * kTurns, draining), http_rate = Rate(turn * kTurns, http);
  measures.push_back({"drain, BULK in single requests", bulk_rate, "emails/s", absl::nullopt});
  measures.push_back({"HTTP engine alone", http_rate, "1/s", absl::nullopt});
  measures.push_back({"drain, BULK in single requests / HTTP engine", bulk_rate / http_rate,
                      "ratio", Goal{0.6, Better::kHigher}});

  SinglesEngine standard(world, Lane::kStandard);
  if (absl::Status status = standard.WarmUp(); !status.ok()) return status;
  const auto drained = standard.Drain(turn, "STANDARD in single requests", measures);
  if (!drained.ok()) return drained.status();
  const double standard_rate = Rate(turn, *drained);
  measures.push_back(
      {"drain, STANDARD in single requests", standard_rate, "emails/s", absl::nullopt});
  measures.push_back({"drain, STANDARD in single requests / HTTP engine", standard_rate / http_rate,
                      "ratio", absl::nullopt});
  return measures;
}

}  // namespace herald::bench
