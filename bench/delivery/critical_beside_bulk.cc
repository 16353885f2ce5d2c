#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/delivery/drain.h"
#include "bench/delivery/drain_parts.h"

namespace herald::bench {
namespace {

// In milliseconds.
class Times {
 public:
  void Add(absl::Duration took) { values_.push_back(absl::ToDoubleMilliseconds(took)); }
  size_t size() const { return values_.size(); }
  double Percentile(size_t percent) {
    if (values_.empty()) return 0;
    std::sort(values_.begin(), values_.end());
    return values_[values_.size() * percent / 100];
  }

 private:
  std::vector<double> values_;
};

// Times CRITICAL emails from acceptance to the provider's answer.
class CriticalTimes : public delivery::DeliveryObserver {
 public:
  struct Taken {
    Times all;
    Times hand_over;  // of it, from the request to the answer
  };

  void OnHandedOver(const storage::LeasedEmail& email, absl::string_view, int,
                    const providers::SendResult&, absl::Duration hand_over) override {
    if (email.lane != Lane::kCritical) return;
    const absl::Duration took = absl::Now() - email.create_time;
    absl::MutexLock lock(&mutex_);
    taken_.all.Add(took);
    taken_.hand_over.Add(hand_over);
  }
  Taken Take(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto all = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return taken_.all.size() >= count;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&all), absl::Seconds(60));
    return std::exchange(taken_, {});
  }

 private:
  absl::Mutex mutex_;
  Taken taken_ ABSL_GUARDED_BY(mutex_);
};

// One after the other, a hundred a second at most.
absl::StatusOr<Times> AcceptCritical(World& world, delivery::Engine& engine, int count) {
  Times took;
  for (int i = 0; i < count; ++i) {
    const absl::StatusOr<absl::Time> begin = world.AcceptOne(Lane::kCritical);
    if (!begin.ok()) return begin.status();
    took.Add(absl::Now() - *begin);
    engine.Wake(Lane::kCritical);
    absl::SleepFor(absl::Milliseconds(10));
  }
  return took;
}

}  // namespace

absl::StatusOr<std::vector<Measure>> CriticalBesideBulk(World& world, int64_t bulk, int critical) {
  CriticalTimes times;
  delivery::DeliveryParts parts = PartsOf(world, times);
  std::map<Lane, delivery::Engine::LaneSetup> lanes;
  parts.store = &world.critical_queue();
  lanes[Lane::kCritical] = {delivery::DefaultLanePolicy(Lane::kCritical), parts};
  parts.store = &world.queue();
  parts.chunks = &world.chunks();
  lanes[Lane::kBulk] = {delivery::DefaultLanePolicy(Lane::kBulk), parts};

  std::vector<Measure> measures;
  double p99[2] = {0, 0};
  for (const bool beside : {false, true}) {
    if (beside) {
      if (absl::Status status = world.Accept(Lane::kBulk, bulk); !status.ok()) return status;
    }
    // What accepting a million leaves to be cleaned up is another question than a million queued.
    for (const char* tidy : {"VACUUM ANALYZE", "CHECKPOINT"}) world.Query(tidy);
    delivery::Engine engine(lanes);
    absl::StatusOr<Times> accepting = AcceptCritical(world, engine, critical);
    if (!accepting.ok()) return accepting.status();
    CriticalTimes::Taken taken = times.Take(static_cast<size_t>(critical));
    if (taken.all.size() != static_cast<size_t>(critical)) {
      return absl::InternalError("not every CRITICAL email was handed over");
    }
    p99[beside] = taken.all.Percentile(99);
    const std::string name =
        absl::StrCat("CRITICAL accept to provider, ", beside ? "beside BULK" : "alone");
    const auto note = [&](absl::string_view what, Times& stage) {
      for (const size_t percent : {50, 99}) {
        measures.push_back(
            {absl::StrCat(name, what, ", p", percent), stage.Percentile(percent), "ms", {}});
      }
    };
    note("", taken.all);
    note(", of it acceptance", *accepting);
    note(", of it hand-over", taken.hand_over);
    if (beside) {
      measures.push_back({"BULK still queued at the end", static_cast<double>(Waiting(world) * 100),
                          "emails", absl::nullopt});
    }
    engine.Drain(absl::Now() + absl::Seconds(10));
  }
  measures.push_back({"CRITICAL p99, beside BULK / alone", p99[1] / std::max(p99[0], 0.01), "ratio",
                      Goal{2, Better::kLower}});
  return measures;
}

}  // namespace herald::bench
