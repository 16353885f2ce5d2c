#include "bench/delivery/queue_bench.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/delivery/queue_loop.h"

namespace herald::bench {
namespace {

constexpr int kClaims = 80;
constexpr int kChunks = 8;
constexpr int kCriticalRounds = 200;
constexpr absl::Duration kLease = absl::Minutes(10);
constexpr absl::Duration kTurn = absl::Seconds(2);

class QueueBench {
 public:
  explicit QueueBench(const QueueBenchOptions& options)
      : options_(options),
        loop_(options.dsn, options.tenants),
        twin_(options.twin_dsn, options.tenants) {}

  std::vector<Measure> Run() {
    MeasureDepth();
    MeasureDecay("drain");
    loop_.rows().HoldSnapshot();
    MeasureDecay("drain with a snapshot held");
    loop_.rows().ReleaseSnapshot();
    MeasureFinishedChunks();
    MeasureCritical();
    return std::move(measures_);
  }

 private:
  void Add(const std::string& name, double value, const std::string& unit,
           absl::optional<Goal> goal = absl::nullopt) {
    measures_.push_back({name, value, unit, goal});
  }

  double MedianClaim() {
    std::vector<double> milliseconds;
    for (int i = 0; i < kClaims; ++i) loop_.ClaimAndDelete(&milliseconds);
    milliseconds.erase(milliseconds.begin(), milliseconds.begin() + kClaims / 8);  // warming up
    return Median(std::move(milliseconds));
  }

  void MeasureDepth() {
    loop_.Empty();
    loop_.rows().Queue(Lane::kBulk, options_.shallow);
    const double shallow = MedianClaim();
    loop_.Empty();
    loop_.rows().Queue(Lane::kBulk, options_.shallow);
    loop_.rows().Lengthen(Lane::kBulk, options_.deep - options_.shallow);
    const double deep = MedianClaim();
    Add(absl::StrCat("claim of 100 of ", options_.shallow), shallow, "ms");
    Add(absl::StrCat("claim of 100 of ", options_.deep), deep, "ms");
    Add("claim, deep ÷ shallow", deep / shallow, "ratio", Goal{1.3, Better::kLower});
  }

  struct Rates {
    double loop = 0;
    double twin = 0;
  };

  // Of a slice of each, by turns.
  Rates Compare() {
    const int turns = std::max(1, static_cast<int>(options_.slice / kTurn));
    Rates rates;
    for (int i = 0; i < turns; ++i) {
      rates.loop += loop_.RunFor(options_.slice / turns) / turns;
      rates.twin += twin_.RunFor(options_.slice / turns) / turns;
    }
    return rates;
  }

  // The rate over a drain's last slice divided by that over its first. The twin rests meanwhile, so
  // that it tells how much faster or slower the machine itself has become.
  void MeasureDecay(const std::string& name) {
    loop_.Empty();
    twin_.Empty();
    const Rates first = Compare();
    loop_.RunFor(std::max(options_.drain - 2 * options_.slice, kTurn));
    const Rates last = Compare();
    Add(absl::StrCat(name, ", first ", absl::FormatDuration(options_.slice)), first.loop, "1/s");
    Add(absl::StrCat(name, ", last ", absl::FormatDuration(options_.slice)), last.loop, "1/s");
    Add(absl::StrCat(name, ", the machine's own last ÷ first"), last.twin / first.twin, "ratio");
    Add(absl::StrCat(name, ", last ÷ first"), (last.loop / last.twin) / (first.loop / first.twin),
        "ratio", Goal{0.8, Better::kHigher});
  }

  // The first claim, and the median of the later half, when all tenants are known to be busy.
  struct ChunkClaims {
    double first = 0;
    double median = 0;
  };

  ChunkClaims ClaimChunks() {
    std::vector<double> milliseconds;
    for (int i = 0; i < 2 * kClaims; ++i) {
      const absl::Time start = absl::Now();
      const auto claimed = loop_.chunks().Claim(Lane::kBulk, kChunks, kLease, {});
      milliseconds.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
      if (!claimed.ok() || claimed->size() != kChunks) {
        throw std::runtime_error("the chunks were not claimed");
      }
    }
    const double first = milliseconds.front();
    milliseconds.erase(milliseconds.begin(), milliseconds.begin() + kClaims);
    return {first, Median(std::move(milliseconds))};
  }

  // A chunk's row and index entries stay while a snapshot is held, as an email's do.
  void MeasureFinishedChunks() {
    loop_.Empty();
    loop_.rows().QueueChunks(options_.shallow);
    const ChunkClaims before = ClaimChunks();
    loop_.rows().HoldSnapshot();
    loop_.rows().QueueChunks(options_.finished_chunks);
    loop_.rows().FinishChunks();
    loop_.rows().QueueChunks(options_.shallow);
    const ChunkClaims after = ClaimChunks();
    loop_.Restart();
    const ChunkClaims restarted = ClaimChunks();
    loop_.rows().ReleaseSnapshot();
    const std::string beside =
        absl::StrCat(", beside ", options_.finished_chunks, " finished ones");
    Add(absl::StrCat("claim of ", kChunks, " chunks"), before.median, "ms");
    Add(absl::StrCat("claim of ", kChunks, " chunks", beside), after.median, "ms");
    Add("claim of chunks, beside finished ones ÷ alone", after.median / before.median, "ratio",
        Goal{2, Better::kLower});
    Add(absl::StrCat("first claim of a process", beside), restarted.first, "ms");
  }

  double CriticalClaim() {
    std::vector<double> milliseconds;
    for (int i = 0; i < kCriticalRounds; ++i) {
      loop_.rows().Queue(Lane::kCritical, 1);
      const absl::Time start = absl::Now();
      const auto claimed = loop_.queue().Claim(Lane::kCritical, 1, kLease, {});
      milliseconds.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
      if (!claimed.ok() || claimed->size() != 1) {
        throw std::runtime_error("the CRITICAL email was not claimed");
      }
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[milliseconds.size() * 99 / 100];
  }

  void MeasureCritical() {
    loop_.Empty();
    const double alone = CriticalClaim();
    loop_.Empty();
    loop_.rows().Lengthen(Lane::kBulk, options_.bulk);
    const double beside = CriticalClaim();
    Add("CRITICAL claim p99", alone, "ms");
    Add(absl::StrCat("CRITICAL claim p99 beside ", options_.bulk, " BULK"), beside, "ms");
    Add("CRITICAL claim p99, beside ÷ alone", beside / alone, "ratio", Goal{2, Better::kLower});
  }

  const QueueBenchOptions options_;
  QueueLoop loop_;
  QueueLoop twin_;
  std::vector<Measure> measures_;
};

}  // namespace

absl::StatusOr<std::vector<Measure>> RunQueueBench(const QueueBenchOptions& options) {
  try {
    return QueueBench(options).Run();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("queue benchmark: ", error.what()));
  }
}

}  // namespace herald::bench
