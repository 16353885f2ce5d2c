#include "storage/postgres/queue_maintenance.h"
#include "tests/postgres/chunk_fixture.h"

namespace herald::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Verdict = ChunkBegin::Verdict;
using Kind = ChunkEnd::Kind;

using ChunkStoreTest = ChunkFixture;

TEST_F(ChunkStoreTest, BulkEmailsAcceptedTogetherAreOneRow) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  EXPECT_EQ(QueueLength(), "0");
  const LeasedChunk chunk = ClaimOne();
  EXPECT_EQ(IdsOf(chunk), ids);
  EXPECT_EQ(chunk.claims, 1);
  EXPECT_EQ(chunk.members[0].content, Bulk("k0").content);
  EXPECT_EQ(chunk.members[0].recipient, "Anna@example.com");
  EXPECT_THAT(Claim(), IsEmpty());
}

TEST_F(ChunkStoreTest, AChunkWaitsForTheServicesOwnKey) {
  AcceptTogether(3);
  Sql("UPDATE herald.tenant_keys SET master_key_id = 'gone' WHERE tenant_id = 0");
  TenantKeys lacking(database_.pool(), master_);
  PostgresChunkStore elsewhere(database_.pool(), lacking);
  ASSERT_OK_AND_ASSIGN(const auto none, elsewhere.Claim(Lane::kBulk, 10, absl::Minutes(1), {}));
  EXPECT_THAT(none, IsEmpty());
  EXPECT_EQ(Sql("SELECT claims, lease_until IS NULL FROM herald.chunks"), "0|t");
}

TEST_F(ChunkStoreTest, AHundredFillAChunk) {
  AcceptTogether(250);
  EXPECT_EQ(Sql("SELECT string_agg(n::text, ',' ORDER BY n) FROM "
                "(SELECT cardinality(email_ids) n FROM herald.chunks) c"),
            "50,100,100");
}

TEST_F(ChunkStoreTest, OnlyPlainBulkGoesIntoChunks) {
  NewEmail later = Bulk("later"), test = Bulk("test"), file = Bulk("file"), urgent = Bulk("urgent");
  later.send_time = absl::Now() + absl::Hours(1);
  test.test = true;
  file.has_attachments = true;
  urgent.lane = Lane::kCritical;
  EXPECT_OK(emails_.AcceptEmails({Bulk("plain"), later, test, file, urgent, Bulk("other", b_)}));
  EXPECT_EQ(ChunkCount(), "0");
  EXPECT_EQ(QueueLength(), "6");
}

TEST_F(ChunkStoreTest, AnAcceptedChunkIsSentWithATimelineForEach) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  ChunkEnd end = Begin(ClaimOne());
  EXPECT_EQ(State(ids[1]), EmailState::kSending);
  EXPECT_TRUE(Record(end));
  EXPECT_EQ(ChunkCount(), "0");
  for (const EmailId id : ids) {
    const EmailRecord record = Get(id);
    EXPECT_EQ(record.state, EmailState::kSent);
    EXPECT_EQ(record.attempt_count, 1);
    EXPECT_EQ(record.provider_account, kAccount);
    EXPECT_EQ(record.provider_message_id, absl::StrCat("message-", id.value));
    EXPECT_THAT(Timeline(id),
                ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kSent));
    EmailQuery query;
    query.provider_message_id = record.provider_message_id;
    absl::StatusOr<std::vector<EmailRecord>> found = emails_.ListEmails(a_, query);
    ASSERT_OK(found);
    ASSERT_THAT(*found, SizeIs(1));
    EXPECT_EQ(found->at(0).id, id);
  }
}

TEST_F(ChunkStoreTest, TheFeedReadsEveryLineOnceAtAnyPageSize) {
  const std::vector<EmailId> ids = AcceptTogether(5);
  ChunkEnd end = Begin(ClaimOne());
  end.kind = Kind::kRetry;
  end.outcome = Outcome::kRetryable;
  end.message_ids.clear();
  EXPECT_TRUE(Record(end));
  EXPECT_TRUE(Record(Begin(ClaimOne())));
  RecordEvents({Event(ids[2], EventType::kDelivered, "d")});
  std::vector<std::pair<EmailId, EventType>> expected;
  for (const EmailId id : ids) expected.emplace_back(id, EventType::kRetrying);
  for (const EmailId id : ids) expected.emplace_back(id, EventType::kSent);
  expected.emplace_back(ids[2], EventType::kDelivered);
  for (const int page : {1, 2, 3, 5, 7, 100}) EXPECT_EQ(Feed(page), expected) << page;
}

TEST_F(ChunkStoreTest, AChunkWhoseEmailsAreGoneIsNotHandedOut) {
  AcceptTogether(2);
  Sql("DELETE FROM herald.emails");
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.chunks WHERE lease_until IS NOT NULL"), "1");
}

TEST_F(ChunkStoreTest, TenantsTakeTurns) {
  for (int i = 0; i < 5; ++i) AcceptTogether(2, a_);
  AcceptTogether(2, b_);
  EXPECT_THAT(Claim(2), SizeIs(2)) << "whoever is first may fill a claim";
  const std::vector<LeasedChunk> claimed = Claim(2);
  ASSERT_THAT(claimed, SizeIs(2));
  EXPECT_NE(claimed[0].lease.tenant, claimed[1].lease.tenant);
  EXPECT_THAT(Claim(100), SizeIs(2));
}

TEST_F(ChunkStoreTest, ATenantWithChunksAloneIsNotForgotten) {
  AcceptTogether(3);
  Sql("UPDATE herald.queue_tenants SET leaving_since = now() - interval '3 minutes'");
  PostgresQueueMaintenance maintenance(database_.pool(), database_.pool());
  ASSERT_OK(maintenance.ForgetIdleTenants());
  EXPECT_THAT(Claim(), SizeIs(1));
}

TEST_F(ChunkStoreTest, ATenantThatAnOlderReleaseForgotIsRecalled) {
  AcceptTogether(3);
  Sql("DELETE FROM herald.queue_tenants");
  EXPECT_THAT(Claim(), IsEmpty());
  PostgresQueueMaintenance maintenance(database_.pool(), database_.pool());
  ASSERT_OK(maintenance.ForgetIdleTenants());
  EXPECT_THAT(Claim(), SizeIs(1));
}

TEST_F(ChunkStoreTest, TenantsThatAreLeftOutGetNothingAndTakeNobodysTurn) {
  for (int i = 0; i < 5; ++i) AcceptTogether(2, a_);
  AcceptTogether(2, b_);
  EXPECT_THAT(Claim(1, {a_, b_}), IsEmpty());
  const std::vector<LeasedChunk> claimed = Claim(1, {a_});
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].lease.tenant, b_);
  EXPECT_THAT(Claim(10, {a_}), IsEmpty());
  EXPECT_THAT(Claim(10), SizeIs(5));
}

TEST_F(ChunkStoreTest, AStaleLeaseChangesNothing) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  const LeasedChunk stale = ClaimOne();
  ChunkEnd end = Begin(stale);
  ExpireChunkLeases();
  EXPECT_EQ(Rescue(), 1);
  EXPECT_FALSE(Record(end));
  EXPECT_EQ(TryBegin(stale).verdict, Verdict::kStale);
  EXPECT_OK(chunks_.BreakUp({stale.lease}));
  EXPECT_OK(chunks_.ReturnLeases({stale.lease}));
  EXPECT_EQ(ChunkCount(), "1");
  EXPECT_EQ(State(ids[0]), EmailState::kUnconfirmed);
}

TEST_F(ChunkStoreTest, ALeaseTooShortIsNotBegun) {
  AcceptTogether(2);
  EXPECT_EQ(TryBegin(ClaimOne(), absl::Hours(1)).verdict, Verdict::kStale);
}

TEST_F(ChunkStoreTest, MembersEndEachInTheirOwnWay) {
  const std::vector<EmailId> ids = AcceptTogether(5);
  ChunkEnd end = Begin(ClaimOne());
  end.message_ids = {"m0", "", "", "m3", ""};
  end.others = {{ids[1], "invalid", "not valid", Failed("invalid")},
                {ids[2], "busy", "later", Retry()},
                {ids[4], "unmapped", "no answer", Unconfirmed()}};
  EXPECT_TRUE(Record(end));
  EXPECT_EQ(State(ids[0]), EmailState::kSent);
  EXPECT_EQ(State(ids[1]), EmailState::kFailed);
  EXPECT_EQ(State(ids[2]), EmailState::kQueued);
  EXPECT_EQ(State(ids[3]), EmailState::kSent);
  EXPECT_EQ(State(ids[4]), EmailState::kUnconfirmed);
  EXPECT_EQ(ChunkCount(), "0");
  EXPECT_EQ(QueueLength(), "2");
  EXPECT_EQ(Get(ids[1]).provider_message_id, "");
  EXPECT_EQ(Get(ids[3]).provider_message_id, "m3");
  EXPECT_THAT(Timeline(ids[1]),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kFailed));
  EXPECT_THAT(Timeline(ids[2]),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kRetrying));
}

TEST_F(ChunkStoreTest, WhoLeftTheChunkGoesOnAloneWithTheNextAttempt) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  ChunkEnd end = Begin(ClaimOne());
  end.message_ids = {"m0", ""};
  end.others = {{ids[1], "busy", "later", Retry()}};
  EXPECT_TRUE(Record(end));
  absl::StatusOr<std::vector<LeasedEmail>> alone =
      queue_.Claim(Lane::kBulk, 10, absl::Minutes(1), {});
  ASSERT_OK(alone);
  ASSERT_THAT(*alone, SizeIs(1));
  EXPECT_EQ(alone->at(0).attempts, 1);
  AttemptEnd second = EmailFixture::Begin(alone->at(0));
  EXPECT_EQ(second.attempt, 2);
  second.provider_message_id = "m1";
  EXPECT_TRUE(EmailFixture::Record(second));
  EXPECT_EQ(Get(ids[1]).attempt_count, 2);
  EXPECT_THAT(Timeline(ids[1]),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kRetrying,
                          EventType::kAttempted, EventType::kSent));
}

TEST_F(ChunkStoreTest, TheRestOfAChunkIsDueAgainFreeOfChargeAndTheOthersAreSent) {
  const std::vector<EmailId> ids = AcceptTogether(4);
  ChunkEnd end = Begin(ClaimOne());
  end.message_ids = {"m0", "", "m2", ""};
  end.outcomes = {Outcome::kAccepted, Outcome::kRetryable, Outcome::kAccepted, Outcome::kRetryable};
  end.rest = {ids[1], ids[3]};
  end.reason = "not_begun";
  end.free = true;
  end.tried_accounts = {kAccount, "other"};
  EXPECT_TRUE(Record(end));
  EXPECT_EQ(State(ids[0]), EmailState::kSent);
  EXPECT_EQ(Get(ids[0]).state_reason, "");
  EXPECT_EQ(State(ids[1]), EmailState::kQueued);
  EXPECT_EQ(QueueLength(), "0");
  EXPECT_THAT(Timeline(ids[2]),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kSent));
  EXPECT_THAT(Timeline(ids[3]),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kRetrying));
  LeasedChunk rest = ClaimOne();
  EXPECT_THAT(IdsOf(rest), ElementsAre(ids[1], ids[3]));
  EXPECT_EQ(rest.attempts, 1);
  EXPECT_EQ(rest.free_attempts, 1);
  EXPECT_THAT(rest.tried_accounts, ElementsAre(kAccount, "other"));
  EXPECT_FALSE(rest.unconfirmed.has_value());
  EXPECT_TRUE(Record(Begin(rest)));
  EXPECT_EQ(ChunkCount(), "0");
  EXPECT_EQ(State(ids[3]), EmailState::kSent);
  EXPECT_EQ(Get(ids[0]).provider_message_id, "m0");
}

TEST_F(ChunkStoreTest, TheRestExpiresByItsOwnTime) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  Sql(absl::StrCat("UPDATE herald.emails SET expire_time = now() + interval '1 hour' ",
                   "WHERE email_id = ", ids[0].value));
  Sql("UPDATE herald.chunks SET expire_time = now() + interval '1 hour'");
  ChunkEnd end = Begin(ClaimOne());
  end.message_ids = {"m0", ""};
  end.rest = {ids[1]};
  EXPECT_TRUE(Record(end));
  EXPECT_EQ(Sql("SELECT c.expire_time = e.expire_time FROM herald.chunks c "
                "JOIN herald.emails e ON e.email_id = ANY (c.email_ids)"),
            "t");
}

TEST_F(ChunkStoreTest, WhoFailedInARequestOfItsOwnTakesWhatIsKnownAlong) {
  const std::vector<EmailId> ids = AcceptTogether(3);
  ChunkEnd end = Begin(ClaimOne());
  end.free_before = 4;
  end.message_ids = {"m0", "", ""};
  MemberEnd unknown{ids[1], "cut", "no answer", Unconfirmed(), std::string(32, 'o')};
  MemberEnd refused{ids[2], "busy", "later", Retry()};
  refused.disposition.free = true;
  refused.disposition.tried_accounts = {"first", "second"};
  end.others = {unknown, refused};
  EXPECT_TRUE(Record(end));
  absl::StatusOr<std::vector<LeasedEmail>> alone =
      queue_.Claim(Lane::kBulk, 10, absl::Minutes(1), {});
  ASSERT_OK(alone);
  ASSERT_THAT(*alone, SizeIs(2));
  for (const LeasedEmail& email : *alone) {
    if (email.lease.email == ids[1]) {
      ASSERT_TRUE(email.unconfirmed.has_value());
      EXPECT_EQ(email.unconfirmed->request_digest, std::string(32, 'o'));
      EXPECT_EQ(email.free_attempts, 4);
    } else {
      EXPECT_EQ(email.free_attempts, 5);
      EXPECT_THAT(email.tried_accounts, ElementsAre("first", "second"));
    }
  }
}

TEST_F(ChunkStoreTest, ARefusedChunkIsDueAgainWhole) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  ChunkEnd end = Begin(ClaimOne());
  end.kind = Kind::kRetry;
  end.outcome = Outcome::kRetryable;
  end.delay = absl::Hours(1);
  end.reason = "rate_limit_exceeded";
  end.message_ids.clear();
  EXPECT_TRUE(Record(end));
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_EQ(State(ids[0]), EmailState::kQueued);
  Sql("UPDATE herald.chunks SET run_at = now()");
  const LeasedChunk again = ClaimOne();
  EXPECT_EQ(again.attempts, 1);
  EXPECT_EQ(Begin(again).attempt, 2);
}

TEST_F(ChunkStoreTest, AnUnconfirmedChunkRemembersItsFirstHandOver) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  LeaveUnconfirmed();
  EXPECT_EQ(State(ids[0]), EmailState::kUnconfirmed);
  LeasedChunk again = ClaimOne();
  ASSERT_TRUE(again.unconfirmed.has_value());
  EXPECT_EQ(again.unconfirmed->account, kAccount);
  EXPECT_EQ(again.unconfirmed->request_digest, std::string(32, 'd'));
  EXPECT_TRUE(Record(Begin(again)));
  EXPECT_EQ(State(ids[1]), EmailState::kSent);
  EXPECT_THAT(Timeline(ids[1]),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kUnconfirmed,
                          EventType::kAttempted, EventType::kSent));
}

TEST_F(ChunkStoreTest, ACrashBeforeTheBeginningMakesItDueAgain) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  ClaimOne();
  ExpireChunkLeases();
  EXPECT_EQ(Rescue(), 1);
  EXPECT_EQ(State(ids[0]), EmailState::kQueued);
  EXPECT_EQ(ClaimOne().claims, 2);
}

TEST_F(ChunkStoreTest, ACrashAfterTheBeginningLeavesItUnconfirmed) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  Begin(ClaimOne());
  ExpireChunkLeases();
  EXPECT_EQ(Rescue(), 1);
  EXPECT_EQ(State(ids[0]), EmailState::kUnconfirmed);
  EXPECT_EQ(Get(ids[0]).state_reason, "lease_expired");
  const LeasedChunk again = ClaimOne();
  EXPECT_TRUE(again.unconfirmed.has_value());
  EXPECT_EQ(again.attempts, 1);
}

TEST_F(ChunkStoreTest, AChunkThatKeepsCrashingIsBrokenUp) {
  AcceptTogether(3);
  for (int i = 0; i < 2; ++i) {
    ClaimOne();
    ExpireChunkLeases();
    EXPECT_EQ(Rescue(2), 1);
  }
  EXPECT_EQ(ChunkCount(), "0");
  EXPECT_EQ(QueueLength(), "3");
}

TEST_F(ChunkStoreTest, EvidenceForAllEndsAnUnconfirmedChunk) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  LeaveUnconfirmed();
  RecordEvents({Event(ids[0], EventType::kDelivered, "e0")});
  EXPECT_EQ(State(ids[0]), EmailState::kDelivered);
  EXPECT_EQ(ChunkCount(), "1");
  RecordEvents({Event(ids[1], EventType::kProviderAccepted, "e1")});
  EXPECT_EQ(State(ids[1]), EmailState::kSent);
  EXPECT_EQ(ChunkCount(), "0");
}

TEST_F(ChunkStoreTest, EvidenceDoesNotTakeAMemberOutOfTheRepetition) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  LeaveUnconfirmed();
  RecordEvents({Event(ids[0], EventType::kDelivered, "e0")});
  const LeasedChunk again = ClaimOne();
  EXPECT_EQ(IdsOf(again), ids);
  EXPECT_TRUE(Record(Begin(again)));
  EXPECT_EQ(State(ids[0]), EmailState::kDelivered);
  EXPECT_EQ(State(ids[1]), EmailState::kSent);
}

TEST_F(ChunkStoreTest, ABrokenUpChunkGoesOnAsSingleEmails) {
  const std::vector<EmailId> ids = AcceptTogether(2);
  EXPECT_OK(chunks_.BreakUp({ClaimOne().lease}));
  EXPECT_EQ(ChunkCount(), "0");
  absl::StatusOr<std::vector<LeasedEmail>> alone =
      queue_.Claim(Lane::kBulk, 10, absl::Minutes(1), {});
  ASSERT_OK(alone);
  EXPECT_THAT(*alone, SizeIs(2));
}

TEST_F(ChunkStoreTest, AReturnedLeaseDoesNotCountAsAClaim) {
  AcceptTogether(2);
  EXPECT_OK(chunks_.ReturnLeases({ClaimOne().lease}));
  EXPECT_EQ(ClaimOne().claims, 1);
}

TEST_F(ChunkStoreTest, DepthsCountMembers) {
  AcceptTogether(3);
  ClaimOne();
  AcceptTogether(2);
  absl::StatusOr<std::vector<LaneDepth>> depths = queue_.Depths();
  ASSERT_OK(depths);
  ASSERT_THAT(*depths, SizeIs(1));
  EXPECT_EQ(depths->at(0).pending, 5);
}

TEST_F(ChunkStoreTest, TheOldestMayBeAChunk) {
  AcceptTogether(2);
  Sql("UPDATE herald.chunks SET run_at = run_at - interval '10 minutes'");
  AcceptTogether(2);
  absl::StatusOr<std::vector<LaneDepth>> depths = queue_.Depths();
  ASSERT_OK(depths);
  ASSERT_THAT(*depths, SizeIs(1));
  EXPECT_GE(depths->at(0).oldest_age, absl::Minutes(10));
}

}  // namespace
}  // namespace herald::storage
