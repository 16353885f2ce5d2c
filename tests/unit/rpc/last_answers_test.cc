// A connection's last answer goes out alone, and none is lost on the way.
#include "server/rpc/last_answers.h"

#include <gmock/gmock.h>

#include <vector>

namespace herald::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class LastAnswersTest : public ::testing::Test {
 protected:
  LastAnswers::Answer Tell(int number) {
    return [this, number] {
      absl::MutexLock lock(&mu_);
      told_.push_back(number);
    };
  }
  std::vector<int> told() {
    absl::MutexLock lock(&mu_);
    return told_;
  }
  void AwaitTold(size_t count) {
    const auto all = [this, count] { return told_.size() == count; };
    absl::MutexLock lock(&mu_, absl::Condition(&all));
  }

  absl::Mutex mu_;
  std::vector<int> told_;
  LastAnswers answers_{absl::Hours(1)};  // no connection is quiet within a test
};

TEST_F(LastAnswersTest, HoldsNothingBeforeADrain) {
  EXPECT_FALSE(answers_.holds());
  answers_.Hold("a", Tell(1));
  EXPECT_THAT(told(), ElementsAre(1));
}

TEST_F(LastAnswersTest, OneOfAConnectionLetsGoTheOneBeforeIt) {
  answers_.Start();
  EXPECT_TRUE(answers_.holds());
  answers_.Hold("a", Tell(1));
  answers_.Hold("b", Tell(2));
  EXPECT_THAT(told(), ElementsAre());
  answers_.Hold("a", Tell(3));
  EXPECT_THAT(told(), ElementsAre(1));
}

TEST_F(LastAnswersTest, WhatIsLastLeavesOnceItsConnectionIsQuiet) {
  LastAnswers brief(absl::Milliseconds(2));
  brief.Start();
  brief.Hold("a", Tell(1));
  brief.Hold("b", Tell(2));
  AwaitTold(2);
  EXPECT_THAT(told(), UnorderedElementsAre(1, 2));
}

TEST_F(LastAnswersTest, TheEndOfTheDrainSendsWhatIsHeldAndHoldsNoMore) {
  answers_.Start();
  answers_.Hold("a", Tell(1));
  answers_.Hold("b", Tell(2));
  answers_.Stop();
  EXPECT_THAT(told(), UnorderedElementsAre(1, 2));
  answers_.Hold("a", Tell(3));
  EXPECT_THAT(told(), UnorderedElementsAre(1, 2, 3));
  answers_.Stop();
}

}  // namespace
}  // namespace herald::rpc
