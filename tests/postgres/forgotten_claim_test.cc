// Claims do not wait for the disk: PostgreSQL crashes and forgets one whose holder is still alive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/postgres/chunk_fixture.h"

namespace herald::storage {
namespace {

class ForgottenClaimTest : public ChunkFixture {
 protected:
  void SetUp() override {
    // Nobody but a durable commit flushes anything.
    for (const char* setting : {"wal_writer_delay = '10s'", "autovacuum = off"}) {
      Sql(absl::StrCat("ALTER SYSTEM SET ", setting));
    }
    Restart(/*crash=*/false);
  }

  void Restart(bool crash) {
    ASSERT_OK(support::PostgresCluster::Shared().Restart(crash));
    // Whoever used a connection of before has to be told so once.
    while (!keys_.For(a_).ok() || !queue_.Claim(Lane::kCritical, 1, absl::Seconds(1), {}).ok() ||
           !chunks_.Claim(Lane::kCritical, 1, absl::Seconds(1), {}).ok()) {
    }
  }
};

TEST_F(ForgottenClaimTest, ItsEmailIsClaimedAgainAndItsHolderBeginsNothing) {
  const EmailId id = Accept("order:1");
  const LeasedEmail forgotten = EmailFixture::ClaimOne();
  Restart(/*crash=*/true);
  ASSERT_EQ(Sql("SELECT lease_token FROM herald.queue"), "0") << "the claim was not forgotten";

  const LeasedEmail claimed = queue_.Claim(forgotten.lane, 1, absl::Seconds(60), {})->at(0);
  EXPECT_EQ(claimed.lease.email, id);
  EXPECT_NE(claimed.lease.token, forgotten.lease.token);
  EXPECT_EQ(EmailFixture::TryBegin(forgotten.lease).verdict, BeginResult::Verdict::kStale);
  EXPECT_OK(queue_.ReturnLeases({forgotten.lease}));
  EXPECT_TRUE(EmailFixture::Record(EmailFixture::Begin(claimed)));
  EXPECT_EQ(State(id), EmailState::kSent);
}

TEST_F(ForgottenClaimTest, ItsChunkIsClaimedAgainAndItsHolderBeginsNothing) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  const LeasedChunk forgotten = ClaimOne();
  Restart(/*crash=*/true);
  ASSERT_EQ(Sql("SELECT lease_token FROM herald.chunks"), "0") << "the claim was not forgotten";

  const LeasedChunk claimed = ClaimOne();
  EXPECT_EQ(claimed.lease.chunk, forgotten.lease.chunk);
  EXPECT_NE(claimed.lease.token, forgotten.lease.token);
  EXPECT_EQ(TryBegin(forgotten).verdict, ChunkBegin::Verdict::kStale);
  EXPECT_TRUE(Record(Begin(claimed)));
  for (EmailId id : ids) EXPECT_EQ(State(id), EmailState::kSent);
}

TEST_F(ForgottenClaimTest, WhatBeganUnderAClaimIsRememberedWithIt) {
  const EmailId id = Accept("order:1");
  const AttemptEnd begun = EmailFixture::Begin(EmailFixture::ClaimOne());
  Restart(/*crash=*/true);
  EXPECT_TRUE(EmailFixture::Record(begun));
  EXPECT_EQ(State(id), EmailState::kSent);
}

}  // namespace
}  // namespace herald::storage
