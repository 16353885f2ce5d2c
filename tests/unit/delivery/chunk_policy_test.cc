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
  storage::ChunkEnd Decide(const std::vector<Outcome>& outcomes) {
    std::vector<providers::SendResult> results;
    chunk_.members.clear();
    for (const Outcome outcome : outcomes) {
      storage::LeasedEmail member;
      member.lease.email = EmailId{static_cast<int64_t>(results.size())};
      chunk_.members.push_back(member);
      providers::SendResult result;
      result.outcome = outcome;
      if (outcome == Outcome::kAccepted) result.provider_message_id = "id";
      if (outcome != Outcome::kAccepted) result.error_code = "code";
      results.push_back(result);
    }
    storage::ChunkEnd end;
    facts_.chunk = &chunk_;
    DecideChunk(policy_, facts_, results, [] { return 0.5; }, &end);
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

TEST_F(ChunkPolicyTest, OneBadMemberEndsAlone) {
  const storage::ChunkEnd end = Decide({kAccepted, kRejected, kAccepted});
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_EQ(end.outcome, kAccepted);
  EXPECT_THAT(end.message_ids, ElementsAre("id", "", "id"));
  EXPECT_THAT(end.outcomes, ElementsAre(kAccepted, kRejected, kAccepted));
  ASSERT_THAT(end.others, SizeIs(1));
  EXPECT_EQ(end.others[0].email, EmailId{1});
  EXPECT_EQ(end.others[0].disposition.kind, Kind::kFailed);
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

}  // namespace
}  // namespace herald::delivery
