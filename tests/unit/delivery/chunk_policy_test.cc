#include "server/delivery/chunk_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using End = storage::ChunkEnd::Kind;
using Kind = storage::Disposition::Kind;

class ChunkPolicyTest : public ::testing::Test {
 protected:
  static providers::SendResult ResultOf(Outcome outcome) {
    providers::SendResult result;
    result.outcome = outcome;
    if (outcome == Outcome::kAccepted) result.provider_message_id = "id";
    if (outcome != Outcome::kAccepted) result.error_code = "code";
    return result;
  }
  static providers::SendResult NotBegun(absl::Duration retry_after) {
    providers::SendResult result = ResultOf(Outcome::kRetryable);
    result.error_code = "not_begun";
    result.throttled = true;
    result.retry_after = retry_after;
    return result;
  }
  storage::ChunkEnd Decide(const std::vector<Outcome>& outcomes) {
    std::vector<providers::SendResult> results;
    for (const Outcome outcome : outcomes) results.push_back(ResultOf(outcome));
    return DecideAll(results);
  }
  // Of members that went each in a request of its own.
  storage::ChunkEnd DecideSingly(const std::vector<providers::SendResult>& results) {
    for (size_t i = 0; i < results.size(); ++i) {
      facts_.member_digests.push_back(std::string(32, static_cast<char>('a' + i)));
    }
    return DecideAll(results);
  }
  storage::ChunkEnd DecideAll(const std::vector<providers::SendResult>& results) {
    chunk_.members.clear();
    for (size_t i = 0; i < results.size(); ++i) {
      storage::LeasedEmail member;
      member.lease.email = EmailId{static_cast<int64_t>(i)};
      chunk_.members.push_back(member);
    }
    storage::ChunkEnd end;
    facts_.chunk = &chunk_;
    DecideChunk(
        policy_, facts_, results, [] { return 0.5; }, &end);
    return end;
  }

  LanePolicy policy_ = DefaultLanePolicy(Lane::kBulk);
  storage::LeasedChunk chunk_;
  ChunkHandOver facts_{&chunk_, 1, absl::Hours(24), false};
};

constexpr Outcome kAccepted = Outcome::kAccepted;
constexpr Outcome kRetryable = Outcome::kRetryable;
constexpr Outcome kUnconfirmed = Outcome::kUnconfirmed;
constexpr Outcome kRejected = Outcome::kRejected;
constexpr Outcome kProviderDown = Outcome::kProviderDown;

TEST_F(ChunkPolicyTest, AllAcceptedAreSent) {
  const storage::ChunkEnd end = Decide({kAccepted, kAccepted});
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_EQ(end.outcome, kAccepted);
  EXPECT_THAT(end.message_ids, ElementsAre("id", "id"));
  EXPECT_THAT(end.outcomes, IsEmpty());
  EXPECT_THAT(end.others, IsEmpty());
}

TEST_F(ChunkPolicyTest, OneBadMemberIsAskedAloneWhatWasWrong) {
  const storage::ChunkEnd end = Decide({kAccepted, kRejected, kAccepted});
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_EQ(end.outcome, kAccepted);
  EXPECT_THAT(end.message_ids, ElementsAre("id", "", "id"));
  EXPECT_THAT(end.outcomes, ElementsAre(kAccepted, kRejected, kAccepted));
  ASSERT_THAT(end.others, SizeIs(1));
  EXPECT_EQ(end.others[0].email, EmailId{1});
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kRetry);
  EXPECT_EQ(end.others[0].disposition.delay, absl::ZeroDuration());
  EXPECT_EQ(end.others[0].disposition.reason, "batch_refused");
}

TEST_F(ChunkPolicyTest, WhatNobodyTookGoesAgainWhole) {
  const storage::ChunkEnd end = Decide({kRetryable, kProviderDown});
  EXPECT_EQ(end.kind, End::kRetry);
  EXPECT_EQ(end.reason, "code");
  EXPECT_THAT(end.others, IsEmpty());
}

TEST_F(ChunkPolicyTest, WhatMayHaveBeenTakenWaitsWhole) {
  EXPECT_EQ(Decide({kUnconfirmed, kUnconfirmed}).kind, End::kUnconfirmed);
}

TEST_F(ChunkPolicyTest, ARepetitionThatWasNotTakenLeavesTheFirstUnconfirmed) {
  facts_.repeats = true;
  EXPECT_EQ(Decide({kRetryable, kRetryable}).kind, End::kUnconfirmed);
}

TEST_F(ChunkPolicyTest, ARefusalOfAllIsTriedOneByOne) {
  const storage::ChunkEnd end = Decide({kRejected, kRejected});
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_EQ(end.outcome, kRejected);
  ASSERT_THAT(end.others, SizeIs(2));
  for (const storage::MemberEnd& member : end.others) {
    EXPECT_EQ(member.disposition.kind, Kind::kRetry);
    EXPECT_EQ(member.disposition.delay, absl::ZeroDuration());
  }
}

TEST_F(ChunkPolicyTest, ARepetitionRefusedAsAWholeIsSentNoSecondTime) {
  facts_.repeats = true;
  const storage::ChunkEnd end = Decide({kRejected, kRejected});
  EXPECT_EQ(end.kind, End::kDone);
  ASSERT_THAT(end.others, SizeIs(2));
  for (const storage::MemberEnd& member : end.others) {
    EXPECT_EQ(member.disposition.kind, Kind::kFailed) << "the first may have been taken";
  }
}

TEST_F(ChunkPolicyTest, ASenderThatNoAccountTakesDoesNotHoldUpTheOthersOfItsBatch) {
  providers::SendResult refused = ResultOf(kProviderDown);
  refused.sender_only = true;
  storage::ChunkEnd end = DecideAll({refused, refused});
  EXPECT_EQ(end.kind, End::kDone);
  ASSERT_THAT(end.others, SizeIs(2));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kRetry);
  EXPECT_EQ(end.others[0].disposition.reason, "batch_refused");

  facts_.tried_accounts = {"first"};
  end = DecideAll({refused, refused});
  EXPECT_EQ(end.kind, End::kRetry) << "another account may take all of them";
  EXPECT_THAT(end.tried_accounts, ElementsAre("first"));

  facts_.tried_accounts.clear();
  facts_.repeats = true;
  EXPECT_EQ(DecideAll({refused, refused}).kind, End::kUnconfirmed);
}

TEST_F(ChunkPolicyTest, ALastMemberRejectedIsFailed) {
  const storage::ChunkEnd end = Decide({kRejected});
  ASSERT_THAT(end.others, SizeIs(1));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kFailed);
}

TEST_F(ChunkPolicyTest, AnUnmappedMemberWaitsForEvidence) {
  const storage::ChunkEnd end = Decide({kAccepted, kUnconfirmed, kRetryable});
  ASSERT_THAT(end.others, SizeIs(2));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kUnconfirmed);
  EXPECT_EQ(end.others[0].disposition.delay, policy_.evidence_wait);
  EXPECT_EQ(end.others[1].disposition.kind, Kind::kRetry);
}

TEST_F(ChunkPolicyTest, AfterTheLastAttemptEverybodyIsDead) {
  facts_.attempt = policy_.attempts_max;
  const storage::ChunkEnd end = Decide({kRetryable, kRetryable});
  EXPECT_EQ(end.kind, End::kDone);
  ASSERT_THAT(end.others, SizeIs(2));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kDead);
}

TEST_F(ChunkPolicyTest, AnotherAccountTakesAtOnceWhatThisOneDidNot) {
  facts_.tried_accounts = {"first"};
  const storage::ChunkEnd end = Decide({kRetryable, kRetryable});
  EXPECT_EQ(end.kind, End::kRetry);
  EXPECT_EQ(end.delay, absl::ZeroDuration());
  EXPECT_THAT(end.tried_accounts, ElementsAre("first"));
  EXPECT_THAT(Decide({kUnconfirmed, kUnconfirmed}).tried_accounts, IsEmpty());
}

TEST_F(ChunkPolicyTest, ARepetitionNeverGoesToAnotherAccount) {
  facts_.tried_accounts = {"first"};
  facts_.repeats = true;
  const storage::ChunkEnd end = Decide({kRetryable, kRetryable});
  EXPECT_EQ(end.kind, End::kUnconfirmed);
  EXPECT_THAT(end.tried_accounts, IsEmpty());
}

TEST_F(ChunkPolicyTest, WhoWasNotBegunStaysTogetherFreeOfCharge) {
  const storage::ChunkEnd end =
      DecideSingly({ResultOf(kAccepted), NotBegun(absl::Minutes(5)), NotBegun(absl::Minutes(5))});
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_EQ(end.outcome, kAccepted);
  EXPECT_THAT(end.others, IsEmpty());
  EXPECT_THAT(end.rest, ElementsAre(EmailId{1}, EmailId{2}));
  EXPECT_TRUE(end.free);
  EXPECT_EQ(end.delay, absl::Minutes(5));
  EXPECT_EQ(end.reason, "not_begun");
  EXPECT_THAT(end.outcomes, ElementsAre(kAccepted, kRetryable, kRetryable));
}

TEST_F(ChunkPolicyTest, WhoFailedAloneGoesOnAloneUnderItsOwnDigest) {
  const storage::ChunkEnd end =
      DecideSingly({ResultOf(kAccepted), ResultOf(kRetryable), ResultOf(kUnconfirmed)});
  EXPECT_THAT(end.rest, IsEmpty());
  ASSERT_THAT(end.others, SizeIs(2));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kRetry);
  EXPECT_FALSE(end.others[0].disposition.free);
  EXPECT_EQ(end.others[1].disposition.kind, Kind::kUnconfirmed);
  EXPECT_EQ(end.others[1].request_digest, std::string(32, 'c'));
  EXPECT_LT(end.others[1].disposition.delay, policy_.evidence_wait) << "it can be repeated soon";
}

TEST_F(ChunkPolicyTest, ASingleRequestsFailureDoesNotCostWhoWasNotBegun) {
  const storage::ChunkEnd end = DecideSingly({ResultOf(kRetryable), NotBegun({})});
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_THAT(end.others, SizeIs(1));
  EXPECT_THAT(end.rest, ElementsAre(EmailId{1}));
  EXPECT_TRUE(end.free);
}

TEST_F(ChunkPolicyTest, SingleRequestsThatAreAllRejectedAreFailed) {
  const storage::ChunkEnd end = DecideSingly({ResultOf(kRejected), ResultOf(kRejected)});
  ASSERT_THAT(end.others, SizeIs(2));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kFailed);
}

TEST_F(ChunkPolicyTest, WhatARepetitionDidNotReachStaysUnconfirmedAlone) {
  facts_.repeats = true;
  const storage::ChunkEnd end = DecideSingly({ResultOf(kAccepted), NotBegun({})});
  EXPECT_THAT(end.rest, IsEmpty());
  ASSERT_THAT(end.others, SizeIs(1));
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kUnconfirmed);
  EXPECT_EQ(end.others[0].request_digest, std::string(32, 'b'));
}

}  // namespace
}  // namespace herald::delivery
