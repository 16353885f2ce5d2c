// Claim, lease, attempt, hand-over and recording as a model that is searched to the end: two
// workers, one email, a provider, time that ends leases, crashes at every point and database
// answers that are lost. What the engine's SQL promises in one transaction is one step here. The
// protocol holds the delivery promise in every state that can be reached; each variant with one
// safeguard taken away does not, so the search would notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <iostream>
#include <map>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

namespace herald::delivery {
namespace {

constexpr int kWorkers = 2;
constexpr int kTokensMax = 4;   // claims that are looked at
constexpr int kCrashesMax = 2;  // among all workers

struct Protocol {
  bool fenced = true;           // an old token changes nothing
  bool marks_before = true;     // the attempt is on record before the hand-over
  bool rescue_looks = true;     // a rescue finds open attempts UNCONFIRMED
  bool checks_time = true;      // a hand-over needs time left on its lease
  bool doubts_timeouts = true;  // a hand-over whose answer was lost is UNCONFIRMED, not RETRYABLE
};

enum class Row : char { kQueued, kUnconfirmed, kSent };
enum class Step : char { kIdle, kClaimed, kBegun, kHanded, kAnswered, kLost };

struct Worker {
  Step step = Step::kIdle;
  char token = 0;
  bool lapsed = false;    // its lease is over by the clock
  bool attempt = false;   // it believes that its attempt is on record
  bool accepted = false;  // what the provider said
  auto Key() const { return std::tie(step, token, lapsed, attempt, accepted); }
  bool operator<(const Worker& other) const { return Key() < other.Key(); }
};

struct State {
  // The database.
  Row row = Row::kQueued;
  char token = 0;  // of the lease on the row; 0: none
  char tokens = 0;
  bool lapsed = false;        // the lease on the row is over
  char open_token = 0;        // of the attempt without an end; 0: none
  char unconfirmed = 0;       // attempts on record whose outcome is unknown
  bool left_the_end = false;  // a terminal state was left, or its record changed
  // The world.
  char taken = 0;  // by the provider
  char crashes = 0;
  std::array<Worker, kWorkers> workers;
  auto Key() const {
    return std::tie(row, token, tokens, lapsed, open_token, unconfirmed, left_the_end, taken,
                    crashes, workers);
  }
  bool operator<(const State& other) const { return Key() < other.Key(); }
  bool Over() const { return row == Row::kSent; }
};

struct Finding {
  std::string invariant;  // empty: none was broken
  std::vector<std::string> path;
  size_t states = 0;
};

class Search {
 public:
  explicit Search(Protocol protocol) : protocol_(protocol) {}

  Finding Run() {
    Visit(State{}, nullptr, "start");
    while (!open_.empty() && broken_.empty()) {
      const State* state = open_.front();
      open_.pop_front();
      Expand(*state);
    }
    return {broken_, path_, seen_.size()};
  }

 private:
  struct Origin {
    const State* from;
    std::string how;
  };

  void Expand(const State& state) {
    for (size_t w = 0; w < kWorkers; ++w) {
      const std::string who = std::string(1, static_cast<char>('A' + w));
      Crash(state, w, who);
      switch (state.workers[w].step) {
        case Step::kIdle:
          Claim(state, w, who);
          break;
        case Step::kClaimed:
          Begin(state, w, who);
          break;
        case Step::kBegun:
          HandOver(state, w, who);
          break;
        case Step::kHanded:
          Answer(state, w, who);
          break;
        case Step::kAnswered:
        case Step::kLost:
          Record(state, w, who);
          break;
      }
    }
    PassTime(state);
    Rescue(state);
  }

  void Crash(const State& state, size_t w, const std::string& who) {
    if (state.workers[w].step == Step::kIdle || state.crashes == kCrashesMax) return;
    State next = state;
    next.workers[w] = {};
    ++next.crashes;
    Visit(next, &state, who + " crashes");
  }

  void Claim(const State& state, size_t w, const std::string& who) {
    // An UNCONFIRMED email is claimed, too: the lane's policy is to send it once more, to a
    // provider that does not know it.
    if (state.Over() || state.token != 0 || state.tokens == kTokensMax) return;
    State next = state;
    next.token = ++next.tokens;
    next.lapsed = false;
    next.workers[w] = {};
    next.workers[w].step = Step::kClaimed;
    next.workers[w].token = next.token;
    Visit(next, &state, who + " claims");
    next.workers[w] = {};
    Visit(next, &state, who + " claims and does not learn it");
  }

  bool Holds(const State& state, const Worker& worker) const {
    return !protocol_.fenced || state.token == worker.token;
  }

  void Begin(const State& state, size_t w, const std::string& who) {
    State next = state;
    Worker& worker = next.workers[w];
    if (!protocol_.marks_before) {
      worker.step = Step::kBegun;
      return Visit(next, &state, who + " begins without a record");
    }
    const bool may =
        Holds(state, worker) && !state.Over() && (!protocol_.checks_time || !worker.lapsed);
    if (!may) {
      worker = {};
      return Visit(next, &state, who + " may not begin");
    }
    next.open_token = worker.token;
    worker.attempt = true;
    worker.step = Step::kBegun;
    Visit(next, &state, who + " begins");
    worker = {};
    Visit(next, &state, who + " begins and does not learn it");
  }

  void HandOver(const State& state, size_t w, const std::string& who) {
    State next = state;
    Worker& worker = next.workers[w];
    if (protocol_.checks_time && worker.lapsed) {
      // Held up since: it records that nothing was handed over.
      worker.step = Step::kAnswered;
      worker.accepted = false;
      return Visit(next, &state, who + " is too late");
    }
    worker.step = Step::kHanded;
    ++next.taken;
    Visit(next, &state, who + " hands over");
    next = state;
    next.workers[w].step = Step::kAnswered;
    next.workers[w].accepted = false;
    Visit(next, &state, who + " is refused");
    next = state;
    next.workers[w].step = Step::kLost;
    Visit(next, &state, who + " times out, and nothing was taken");
  }

  void Answer(const State& state, size_t w, const std::string& who) {
    State next = state;
    next.workers[w].step = Step::kAnswered;
    next.workers[w].accepted = true;
    Visit(next, &state, who + " has the provider's yes");
    next.workers[w].step = Step::kLost;
    next.workers[w].accepted = false;
    Visit(next, &state, who + " loses the provider's answer");
  }

  void Record(const State& state, size_t w, const std::string& who) {
    State next = state;
    const Worker worker = state.workers[w];
    next.workers[w] = {};
    if (!Holds(state, worker)) return Visit(next, &state, who + " records with a stale lease");
    next.left_the_end |= state.Over();
    next.token = 0;
    next.lapsed = false;
    next.open_token = 0;
    if (worker.step == Step::kLost && protocol_.doubts_timeouts) {
      next.row = Row::kUnconfirmed;
      ++next.unconfirmed;
    } else {
      next.row = worker.accepted ? Row::kSent : Row::kQueued;
    }
    Visit(next, &state, who + " records");
    // The same record once more, since its reply was lost: the lease is gone by now.
    next.workers[w] = worker;
    Visit(next, &state, who + " records and does not learn it");
  }

  void PassTime(const State& state) {
    if (state.token == 0 || state.lapsed) return;
    State next = state;
    next.lapsed = true;
    for (Worker& worker : next.workers) worker.lapsed |= worker.token == state.token;
    Visit(next, &state, "the lease ends");
  }

  void Rescue(const State& state) {
    if (state.token == 0 || !state.lapsed) return;
    State next = state;
    next.token = 0;
    next.lapsed = false;
    if (state.open_token != 0 && protocol_.rescue_looks) {
      next.row = Row::kUnconfirmed;
      ++next.unconfirmed;
    }
    next.open_token = 0;
    Visit(next, &state, "a rescue takes the lease over");
  }

  static std::string Broken(const State& state) {
    if (state.taken > 1 + state.unconfirmed) return "I2: taken more often than is on record";
    if (state.left_the_end) return "I4: a terminal state was left";
    if (state.row == Row::kSent && state.taken == 0) return "I2: SENT, and nobody took it";
    return "";
  }

  void Visit(const State& state, const State* from, const std::string& how) {
    if (!broken_.empty()) return;
    const auto [entry, is_new] = seen_.try_emplace(state, Origin{from, how});
    if (!is_new) return;
    broken_ = Broken(state);
    if (broken_.empty()) return open_.push_back(&entry->first);
    for (const State* at = &entry->first; at != nullptr; at = seen_.at(*at).from) {
      path_.insert(path_.begin(), seen_.at(*at).how);
    }
  }

  const Protocol protocol_;
  std::map<State, Origin> seen_;
  std::deque<const State*> open_;
  std::string broken_;
  std::vector<std::string> path_;
};

std::string Tell(const Finding& finding) {
  std::string text = finding.invariant;
  for (const std::string& step : finding.path) text += "\n  " + step;
  return text;
}

TEST(LeaseModel, KeepsThePromiseInEveryStateThatTwoWorkersCanReach) {
  const Finding finding = Search({}).Run();
  EXPECT_EQ(finding.invariant, "") << Tell(finding);
  EXPECT_GT(finding.states, 500u) << "that was no search";
  std::cout << finding.states << " states" << std::endl;
}

// Clocks may run apart and processes stand still between a look at one and the next step.
TEST(LeaseModel, DoesNotRestOnTheWorkersClocks) {
  const Finding finding = Search({.checks_time = false}).Run();
  EXPECT_EQ(finding.invariant, "") << Tell(finding);
}

struct Variant {
  std::string name;
  Protocol protocol;
};
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

class BrokenLeaseModel : public ::testing::TestWithParam<Variant> {};

TEST_P(BrokenLeaseModel, IsFoundOut) {
  const Finding finding = Search(GetParam().protocol).Run();
  EXPECT_THAT(finding.invariant, ::testing::StartsWith("I")) << finding.states << " states";
}

INSTANTIATE_TEST_SUITE_P(
    Variants, BrokenLeaseModel,
    ::testing::Values(Variant{"NoFencingToken", {.fenced = false}},
                      Variant{"MarkAfterSend", {.marks_before = false}},
                      Variant{"RescueIgnoresOpenAttempts", {.rescue_looks = false}},
                      Variant{"TimeoutTakenForRefusal", {.doubts_timeouts = false}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace herald::delivery
