#include "server/delivery/member_hand_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "model/steady_time.h"
#include "tests/unit/delivery/scripted_provider.h"

namespace herald::delivery {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Outcome kAccepted = Outcome::kAccepted;

class MemberHandOverTest : public ::testing::Test {
 protected:
  ~MemberHandOverTest() override {
    hand_over_.Stop();
    while (provider_.open() > 0) provider_.Answer(ResultOf(Outcome::kUnconfirmed));
  }

  using Results = std::vector<providers::SendResult>;
  // Adds a chunk; its results come to the returned place.
  std::shared_ptr<Results> Add(int members, absl::Time begin_before = absl::InfiniteFuture()) {
    MemberHandOver::Chunk chunk;
    chunk.provider = &provider_;
    for (int i = 0; i < members; ++i) {
      providers::OutboundMessage message;
      message.idempotency_key = absl::StrCat("key-", next_++);
      chunk.members.push_back(provider_.Prepare(message));
    }
    chunk.admits = [this] { return admits_; };
    chunk.begin_before = begin_before;
    auto results = std::make_shared<Results>();
    chunk.done = [results](Results answers) { *results = std::move(answers); };
    hand_over_.Add(std::move(chunk));
    return results;
  }
  static std::vector<std::string> CodesOf(const Results& results) {
    std::vector<std::string> codes;
    for (const providers::SendResult& result : results) {
      codes.push_back(result.outcome == kAccepted ? "accepted" : result.error_code);
    }
    return codes;
  }

  ScriptedProvider provider_;
  MemberHandOver hand_over_{2, absl::Seconds(1)};
  bool admits_ = true;
  int next_ = 0;
};

TEST_F(MemberHandOverTest, EveryMemberGoesInItsOwnRequestAndOrder) {
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  const auto results = Add(5);
  EXPECT_THAT(provider_.keys(), ElementsAre("key-0", "key-1", "key-2", "key-3", "key-4"));
  EXPECT_THAT(CodesOf(*results), Each("accepted"));
  EXPECT_THAT(*results, SizeIs(5));
}

TEST_F(MemberHandOverTest, SoManyAreUnderWayAtOnceOverAllChunks) {
  const auto first = Add(3);
  const auto second = Add(1);
  EXPECT_EQ(provider_.open(), 2u);
  provider_.Answer(ResultOf(kAccepted));
  EXPECT_EQ(provider_.open(), 2u);
  provider_.Answer(ResultOf(kAccepted));
  EXPECT_THAT(provider_.keys(), ElementsAre("key-0", "key-1", "key-2", "key-3"));
  EXPECT_THAT(*first, IsEmpty());
  provider_.Answer(ResultOf(Outcome::kRejected, "invalid"));
  EXPECT_THAT(CodesOf(*first), ElementsAre("accepted", "accepted", "invalid"));
  EXPECT_THAT(*second, IsEmpty());
}

TEST_F(MemberHandOverTest, AThrottledAccountIsSentNothingMore) {
  const auto first = Add(4);
  const auto second = Add(2);
  provider_.Answer(Throttled(absl::Seconds(7)));
  provider_.Answer(ResultOf(kAccepted));
  EXPECT_THAT(CodesOf(*first),
              ElementsAre("rate_limit_exceeded", "accepted", "not_begun", "not_begun"));
  EXPECT_THAT(CodesOf(*second), ElementsAre("not_begun", "not_begun"));
  EXPECT_EQ(second->at(0).outcome, Outcome::kRetryable);
  EXPECT_EQ(second->at(0).retry_after, absl::Seconds(7));
  EXPECT_TRUE(second->at(0).throttled) << "it is no fault of the email's";
  EXPECT_THAT(provider_.keys(), SizeIs(2));
}

TEST_F(MemberHandOverTest, AnAccountThatIsDownIsSentNothingMore) {
  provider_.AnswerAtOnce({ResultOf(kAccepted), ResultOf(Outcome::kProviderDown, "quota")});
  EXPECT_THAT(CodesOf(*Add(4)), ElementsAre("accepted", "quota", "not_begun", "not_begun"));
}

TEST_F(MemberHandOverTest, OneSendersTroubleDoesNotStopTheOthers) {
  providers::SendResult unverified = ResultOf(Outcome::kProviderDown, "sender");
  unverified.sender_only = true;
  provider_.AnswerAtOnce({unverified, ResultOf(kAccepted)});
  EXPECT_THAT(CodesOf(*Add(3)), ElementsAre("sender", "accepted", "accepted"));
}

TEST_F(MemberHandOverTest, AnAccountThatLeftItsRouteIsSentNothingMore) {
  const auto results = Add(4);
  admits_ = false;
  provider_.Answer(ResultOf(Outcome::kRetryable, "500"));
  provider_.Answer(ResultOf(Outcome::kRetryable, "500"));
  EXPECT_THAT(CodesOf(*results), ElementsAre("500", "500", "not_begun", "not_begun"));
}

TEST_F(MemberHandOverTest, NothingIsBegunOnceTheLeaseIsTooShort) {
  EXPECT_THAT(CodesOf(*Add(2, SteadyNow() - absl::Seconds(1))),
              ElementsAre("not_begun", "not_begun"));
  EXPECT_THAT(provider_.keys(), IsEmpty());
}

TEST_F(MemberHandOverTest, AStopWaitsForWhatIsUnderWayAlone) {
  const auto first = Add(3);
  const auto second = Add(2);
  hand_over_.Stop();
  EXPECT_THAT(CodesOf(*second), ElementsAre("not_begun", "not_begun"));
  EXPECT_THAT(*first, IsEmpty());
  provider_.Answer(ResultOf(kAccepted));
  provider_.Answer(ResultOf(kAccepted));
  EXPECT_THAT(CodesOf(*first), ElementsAre("accepted", "accepted", "not_begun"));
  EXPECT_THAT(CodesOf(*Add(1)), ElementsAre("not_begun"));
}

}  // namespace
}  // namespace herald::delivery
