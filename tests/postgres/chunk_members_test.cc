// Members that leave their chunk before it is handed over.
#include "tests/postgres/chunk_fixture.h"

namespace herald::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Verdict = ChunkBegin::Verdict;

using ChunkMembersTest = ChunkFixture;

TEST_F(ChunkMembersTest, ACancelledMemberLeavesBeforeTheHandOver) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  const LeasedChunk chunk = ClaimOne();
  EXPECT_OK(emails_.CancelEmail(a_, ids[1]));
  const ChunkBegin begun = TryBegin(chunk);
  EXPECT_EQ(begun.verdict, Verdict::kChanged);
  EXPECT_THAT(begun.members, ElementsAre(ids[0], ids[2]));
  EXPECT_EQ(State(ids[1]), EmailState::kCancelled);
}

TEST_F(ChunkMembersTest, AMemberCannotBeCancelledOnceItsChunkBegan) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  Begin(ClaimOne());
  EXPECT_THAT(emails_.CancelEmail(a_, ids[0]),
              support::StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ChunkMembersTest, CancellingEverybodyEndsTheChunk) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  for (const EmailId id : ids) EXPECT_OK(emails_.CancelEmail(a_, id));
  EXPECT_EQ(ChunkCount(), "0");
}

TEST_F(ChunkMembersTest, ARescheduledMemberWaitsAlone) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  EXPECT_OK(emails_.RescheduleEmail(a_, ids[0], absl::Now() + absl::Hours(1)));
  EXPECT_EQ(State(ids[0]), EmailState::kScheduled);
  EXPECT_EQ(QueueLength(), "1");
  EXPECT_THAT(Members(), ElementsAre(ids[1]));
}

TEST_F(ChunkMembersTest, ASuppressedMemberIsStoppedAndTheOthersGo) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  SuppressRecipientOf(ids[0]);
  LeasedChunk chunk = ClaimOne();
  const ChunkBegin begun = TryBegin(chunk);
  EXPECT_EQ(begun.verdict, Verdict::kChanged);
  EXPECT_THAT(begun.members, ElementsAre(ids[1], ids[2]));
  ASSERT_THAT(begun.stopped, SizeIs(1));
  EXPECT_EQ(begun.stopped[0].state, EmailState::kSuppressed);
  EXPECT_EQ(State(ids[0]), EmailState::kSuppressed);
  chunk.members.erase(chunk.members.begin());
  EXPECT_TRUE(Record(Begin(chunk)));
  EXPECT_EQ(State(ids[2]), EmailState::kSent);
  EXPECT_THAT(Timeline(ids[0]), ElementsAre(EventType::kAccepted, EventType::kSuppressed));
}

TEST_F(ChunkMembersTest, ASuppressionWhileUnconfirmedStopsTheRepetition) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  LeaveUnconfirmed();
  SuppressRecipientOf(ids[0]);
  const ChunkBegin begun = TryBegin(ClaimOne());
  EXPECT_EQ(begun.verdict, Verdict::kChanged);
  EXPECT_THAT(begun.members, IsEmpty());
  EXPECT_EQ(ChunkCount(), "0");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.queue WHERE unconfirmed_time IS NOT NULL "
                "AND attempts = 1"),
            "2");
}

TEST_F(ChunkMembersTest, AnOverdueMemberExpires) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  Sql(absl::StrCat(
      "UPDATE herald.emails SET expire_time = now() - interval '1 s' WHERE email_id = ",
      ids[1].value));
  Sql("UPDATE herald.chunks SET expire_time = now() - interval '1 s'");
  EXPECT_EQ(ExpireOverdue(), 1);
  EXPECT_EQ(State(ids[1]), EmailState::kExpired);
  EXPECT_EQ(ExpireOverdue(), 0);
  EXPECT_THAT(Members(), ElementsAre(ids[0], ids[2]));
}

}  // namespace
}  // namespace herald::storage
