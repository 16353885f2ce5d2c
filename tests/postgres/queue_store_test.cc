#include "storage/postgres/queue_store.h"

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;
using Verdict = BeginResult::Verdict;

class QueueStoreTest : public EmailFixture {
 protected:
  std::vector<LeasedEmail> Claim(Lane lane, int limit) {
    absl::StatusOr<std::vector<LeasedEmail>> claimed =
        queue_.Claim(lane, limit, absl::Seconds(60), {});
    EXPECT_OK(claimed);
    return claimed.ok() ? *std::move(claimed) : std::vector<LeasedEmail>();
  }
  bool NothingIsDue() { return Claim(Lane::kTransactional, 10).empty(); }
  int Rescue(int claims_max = 3) {
    absl::StatusOr<int> rescued = queue_.RescueExpired(100, claims_max);
    EXPECT_OK(rescued);
    return rescued.value_or(-1);
  }
  int ExpireOverdue() {
    absl::StatusOr<int> expired = queue_.ExpireOverdue(100);
    EXPECT_OK(expired);
    return expired.value_or(-1);
  }
  void LetExpire() { Sql("UPDATE herald.queue SET expire_time = now() - interval '1 s'"); }
  std::string Attempts() {
    return Sql(
        "SELECT string_agg(attempt || '=' || coalesce(outcome::text, '?'), ',' "
        "ORDER BY attempt) FROM herald.attempts");
  }
};

TEST_F(QueueStoreTest, AClaimOpensWhatWasSealed) {
  const NewEmail email = Make("key");
  Accept(email);
  const LeasedEmail leased = ClaimOne();
  EXPECT_EQ(leased.lease.email, email.id);
  EXPECT_EQ(leased.lease.tenant, a_);
  EXPECT_EQ(leased.recipient, email.recipient);
  EXPECT_EQ(leased.content, email.content);
  EXPECT_EQ(leased.claims, 1);
  EXPECT_EQ(leased.attempts, 0);
  EXPECT_EQ(leased.create_time, email.create_time);
  EXPECT_LT(absl::AbsDuration(leased.claim_time - absl::Now()), absl::Minutes(1));
  EXPECT_FALSE(leased.unconfirmed.has_value());
}

TEST_F(QueueStoreTest, AClaimTakesTheOldestDueOfItsLaneOnly) {
  const EmailId first = Accept("1");
  NewEmail bulk = Make("bulk");
  bulk.lane = Lane::kBulk;
  Accept(bulk);
  const EmailId second = Accept("2");
  Accept("3");
  const std::vector<LeasedEmail> claimed = Claim(Lane::kTransactional, 2);
  ASSERT_THAT(claimed, SizeIs(2));
  EXPECT_EQ(claimed[0].lease.email, first);
  EXPECT_EQ(claimed[1].lease.email, second);
}

TEST_F(QueueStoreTest, ALeasedEmailIsNotClaimedAgain) {
  Accept("key");
  ClaimOne();
  EXPECT_TRUE(NothingIsDue());
}

TEST_F(QueueStoreTest, ATamperedValueFailsItsEmailAlone) {
  const EmailId bad = Accept("bad");
  Accept("good");
  Sql(
      absl::StrCat("UPDATE herald.email_contents SET content_sealed = set_byte(content_sealed, 30, "
                   "get_byte(content_sealed, 30) # 1) WHERE email_id = ",
                   bad.value));
  const std::vector<LeasedEmail> claimed = Claim(Lane::kTransactional, 2);
  ASSERT_THAT(claimed, SizeIs(2));
  EXPECT_EQ(claimed[0].opened.code(), absl::StatusCode::kDataLoss);
  EXPECT_OK(claimed[1].opened);
}

TEST_F(QueueStoreTest, AnErasedTenantsEmailIsClaimedUnopened) {
  Accept("key");
  Sql("DELETE FROM herald.tenant_keys");
  keys_.Forget(a_);
  const std::vector<LeasedEmail> claimed = Claim(Lane::kTransactional, 1);
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].opened.code(), absl::StatusCode::kNotFound);
}

TEST_F(QueueStoreTest, ASentEmailLeavesTheQueueWithItsMessageId) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kAccepted, Sent());
  EXPECT_EQ(QueueLength(), "0");
  const EmailRecord record = Get(id);
  EXPECT_EQ(record.state, EmailState::kSent);
  EXPECT_EQ(record.provider_message_id, "message-1");
  EXPECT_THAT(Timeline(id),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kSent));
}

TEST_F(QueueStoreTest, ARetryIsDueAfterItsDelayAndCounts) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kRetryable, Retry(absl::Hours(1)));
  EXPECT_EQ(State(id), EmailState::kQueued);
  EXPECT_TRUE(NothingIsDue());
  Sql("UPDATE herald.queue SET run_at = now()");
  const LeasedEmail again = ClaimOne();
  EXPECT_EQ(again.attempts, 1);
  EXPECT_EQ(again.claims, 1);
  EXPECT_EQ(Begin(again).attempt, 2);
  EXPECT_THAT(Timeline(id), ElementsAre(EventType::kAccepted, EventType::kAttempted,
                                        EventType::kRetrying, EventType::kAttempted));
}

TEST_F(QueueStoreTest, AnUnconfirmedAttemptIsRememberedWithTheFirstOnesTime) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  EXPECT_EQ(State(id), EmailState::kUnconfirmed);
  const LeasedEmail second = ClaimOne();
  ASSERT_TRUE(second.unconfirmed.has_value());
  EXPECT_EQ(second.unconfirmed->account, kAccount);
  EXPECT_EQ(second.unconfirmed->request_digest, std::string(32, 'd'));
  AttemptEnd end = Begin(second);
  end.outcome = Outcome::kUnconfirmed;
  end.disposition = Unconfirmed();
  end.account = "ses-eu";
  ASSERT_TRUE(Record(end));
  AttemptEnd third = Begin(ClaimOne());
  const std::string first_time =
      Sql("SELECT unconfirmed_time = (SELECT begin_time FROM "
          "herald.attempts WHERE attempt = 1), unconfirmed_account "
          "FROM herald.queue");
  EXPECT_EQ(first_time, "t|ses-eu");
  third.outcome = Outcome::kAccepted;
  third.disposition = Sent();
  ASSERT_TRUE(Record(third));
  EXPECT_EQ(State(id), EmailState::kSent);
  EXPECT_EQ(Attempts(), "1=3,2=3,3=1");
}

// As where policy `resend` decided: that the second was not taken says nothing of the first.
TEST_F(QueueStoreTest, AnAttemptThatWasNotTakenLeavesAnEarlierOneUnconfirmed) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  AttemptEnd second = Begin(ClaimOne());
  second.account = "ses-eu";
  second.outcome = Outcome::kRetryable;
  second.disposition = Retry();
  ASSERT_TRUE(Record(second));
  EXPECT_EQ(State(id), EmailState::kUnconfirmed);
  EXPECT_THAT(emails_.CancelEmail(a_, id), StatusIs(absl::StatusCode::kFailedPrecondition));
  const LeasedEmail leased = ClaimOne();
  ASSERT_TRUE(leased.unconfirmed.has_value());
  EXPECT_EQ(leased.unconfirmed->account, kAccount);
  AttemptEnd third = Begin(leased);
  third.outcome = Outcome::kRetryable;
  third.disposition = Dead();
  ASSERT_TRUE(Record(third));
  EXPECT_EQ(State(id), EmailState::kFailed) << "a redrive would be a second copy";
  EXPECT_EQ(Get(id).state_reason, "outcome_unknown");
  EXPECT_EQ(Attempts(), "1=3,2=2,3=2");
  EXPECT_THAT(Timeline(id),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kUnconfirmed,
                          EventType::kAttempted, EventType::kRetrying, EventType::kAttempted,
                          EventType::kFailed));
}

TEST_F(QueueStoreTest, AnEmailWaitsForAKeyThatCannotBeFetchedYet) {
  Accept("key");
  const MasterKeys other = *MasterKeys::Parse("other:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=");
  TenantKeys lacking(database_.pool(), other);
  PostgresQueueStore elsewhere(database_.pool(), lacking);
  ASSERT_OK_AND_ASSIGN(const auto none,
                       elsewhere.Claim(Lane::kTransactional, 10, absl::Minutes(1), {}));
  EXPECT_THAT(none, IsEmpty());
  const LeasedEmail leased = ClaimOne();
  EXPECT_OK(leased.opened);
  EXPECT_EQ(leased.claims, 1) << "a claim of what cannot be opened does not count";
}

TEST_F(QueueStoreTest, AnEmailWaitsForTheServicesOwnKeyWhateverIsWrongWithIt) {
  Accept("key");
  for (const char* damage :
       {"master_key_id = 'gone'",
        "master_key_id = 'test', wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1)"}) {
    Sql(absl::StrCat("UPDATE herald.tenant_keys SET ", damage, " WHERE tenant_id = 0"));
    TenantKeys lacking(database_.pool(), master_);
    PostgresQueueStore elsewhere(database_.pool(), lacking);
    ASSERT_OK_AND_ASSIGN(const auto none,
                         elsewhere.Claim(Lane::kTransactional, 10, absl::Minutes(1), {}));
    EXPECT_THAT(none, IsEmpty()) << damage;
    EXPECT_EQ(Sql("SELECT claims, lease_until IS NULL, run_at <= now() FROM herald.queue"), "0|t|t")
        << damage;
  }
}

TEST_F(QueueStoreTest, WhatIsPutOffAgainForTheSameReasonIsNotWrittenAgain) {
  const EmailId id = Accept("key");
  const Disposition off{Disposition::Kind::kRetry, {}, "no_account"};
  ASSERT_TRUE(EndUntried(ClaimOne(), off));
  EXPECT_EQ(Get(id).state_reason, "no_account");
  const std::string version = Sql("SELECT xmin FROM herald.emails");
  ASSERT_TRUE(EndUntried(ClaimOne(), off));
  EXPECT_EQ(Sql("SELECT xmin FROM herald.emails"), version);
  ASSERT_TRUE(EndUntried(ClaimOne(), {Disposition::Kind::kRetry, {}, "template_unavailable"}));
  EXPECT_EQ(Get(id).state_reason, "template_unavailable");
}

TEST_F(QueueStoreTest, PuttingOffAnUnconfirmedEmailTeachesNothing) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  for (const Disposition& off : {Retry(), Unconfirmed()}) {
    ASSERT_TRUE(EndUntried(ClaimOne(), off));
    EXPECT_EQ(State(id), EmailState::kUnconfirmed);
  }
  EXPECT_TRUE(ClaimOne().unconfirmed.has_value());
  EXPECT_THAT(Timeline(id),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kUnconfirmed));
}

TEST_F(QueueStoreTest, GivingUpAnUnconfirmedEmailFailsItSoThatNoRedriveSendsItTwice) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  ASSERT_TRUE(EndUntried(ClaimOne(), Dead()));
  EXPECT_EQ(State(id), EmailState::kFailed);
  EXPECT_EQ(Get(id).state_reason, "outcome_unknown");
}

TEST_F(QueueStoreTest, AFailureWithoutHandOverHasNoAttempt) {
  const EmailId id = Accept("key");
  ASSERT_TRUE(EndUntried(ClaimOne(), Failed("render_failed")));
  EXPECT_EQ(State(id), EmailState::kFailed);
  EXPECT_EQ(Get(id).state_reason, "render_failed");
  EXPECT_EQ(Get(id).attempt_count, 0);
  EXPECT_THAT(Timeline(id), ElementsAre(EventType::kAccepted, EventType::kFailed));
}

TEST_F(QueueStoreTest, AStaleLeaseChangesNothing) {
  const EmailId id = Accept("key");
  const LeasedEmail old = ClaimOne();
  ExpireLeases();
  ASSERT_EQ(Rescue(), 1);
  AttemptEnd current = Begin(ClaimOne());
  const std::string before = Sql("SELECT * FROM herald.queue") + Attempts();

  EXPECT_EQ(TryBegin(old.lease).verdict, Verdict::kStale);
  AttemptEnd stale = current;
  stale.lease = old.lease;
  EXPECT_FALSE(Record(stale));
  ASSERT_OK(queue_.ReturnLeases({old.lease}));
  EXPECT_EQ(Sql("SELECT * FROM herald.queue") + Attempts(), before);
  EXPECT_EQ(State(id), EmailState::kSending);
  EXPECT_TRUE(Record(current));
  EXPECT_FALSE(Record(current));
}

TEST_F(QueueStoreTest, NoAttemptBeginsWithTooLittleLeaseLeft) {
  Accept("key");
  const LeasedEmail leased = ClaimOne();
  EXPECT_EQ(TryBegin(leased.lease, absl::Seconds(61)).verdict, Verdict::kStale);
  ExpireLeases();
  EXPECT_EQ(TryBegin(leased.lease, absl::ZeroDuration()).verdict, Verdict::kStale);
  EXPECT_EQ(Attempts(), "");
}

TEST_F(QueueStoreTest, BeginningAgainAfterALostAnswerIsTheSameAttempt) {
  Accept("key");
  const LeasedEmail leased = ClaimOne();
  EXPECT_EQ(TryBegin(leased.lease).attempt, 1);
  EXPECT_EQ(TryBegin(leased.lease).attempt, 1);
  EXPECT_EQ(Attempts(), "1=?");
}

TEST_F(QueueStoreTest, ASuppressionStopsTheAttempt) {
  const EmailId id = Accept("key");
  const LeasedEmail leased = ClaimOne();
  SuppressRecipientOf(id);
  const BeginResult begun = TryBegin(leased.lease);
  EXPECT_EQ(begun.verdict, Verdict::kStopped);
  EXPECT_EQ(begun.stopped_as, EmailState::kSuppressed);
  EXPECT_EQ(State(id), EmailState::kSuppressed);
  EXPECT_EQ(QueueLength(), "0");
  EXPECT_THAT(Timeline(id), ElementsAre(EventType::kAccepted, EventType::kSuppressed));
}

TEST_F(QueueStoreTest, AnExpiredEmailIsNotBegun) {
  const EmailId id = Accept("key");
  const LeasedEmail leased = ClaimOne();
  LetExpire();
  EXPECT_EQ(TryBegin(leased.lease).stopped_as, EmailState::kExpired);
  EXPECT_EQ(State(id), EmailState::kExpired);
}

TEST_F(QueueStoreTest, ASuppressionOfAnUnconfirmedEmailLeavesItsOutcomeUnknown) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  const LeasedEmail leased = ClaimOne();
  SuppressRecipientOf(id);
  EXPECT_EQ(TryBegin(leased.lease).stopped_as, EmailState::kFailed);
  EXPECT_EQ(Get(id).state_reason, "outcome_unknown");
}

TEST_F(QueueStoreTest, AnEmailThatEvidenceMovedOnIsNotBegun) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  const LeasedEmail leased = ClaimOne();
  RecordEvents({Event(id, EventType::kDelivered, "e1")});
  const BeginResult begun = TryBegin(leased.lease);
  EXPECT_EQ(begun.verdict, Verdict::kStopped);
  EXPECT_EQ(begun.stopped_as, EmailState::kDelivered);
  EXPECT_EQ(QueueLength(), "0");
}

TEST_F(QueueStoreTest, EvidenceOutrunsTheRecordingAndStays) {
  const EmailId id = Accept("key");
  AttemptEnd end = Begin(ClaimOne());
  RecordEvents({Event(id, EventType::kDelivered, "e1")});
  end.outcome = Outcome::kRetryable;
  end.disposition = Retry();
  EXPECT_TRUE(Record(end));
  EXPECT_EQ(State(id), EmailState::kDelivered);
  EXPECT_EQ(QueueLength(), "0");
  EXPECT_EQ(Attempts(), "1=2");
}

TEST_F(QueueStoreTest, ReturnedLeasesAreDueAtOnceAndDoNotCount) {
  Accept("key");
  const LeasedEmail leased = ClaimOne();
  ASSERT_OK(queue_.ReturnLeases({leased.lease}));
  EXPECT_EQ(ClaimOne().claims, 1);
}

TEST_F(QueueStoreTest, ALeaseWithAnOpenAttemptIsNotReturned) {
  Accept("key");
  const LeasedEmail leased = ClaimOne();
  Begin(leased);
  ASSERT_OK(queue_.ReturnLeases({leased.lease}));
  EXPECT_TRUE(NothingIsDue());
}

TEST_F(QueueStoreTest, TheRescueLeavesLiveLeasesAlone) {
  Accept("key");
  ClaimOne();
  EXPECT_EQ(Rescue(), 0);
}

TEST_F(QueueStoreTest, ARescuedAttemptIsUnconfirmed) {
  const EmailId id = Accept("key");
  Begin(ClaimOne());
  ExpireLeases();
  EXPECT_EQ(Rescue(), 1);
  EXPECT_EQ(State(id), EmailState::kUnconfirmed);
  EXPECT_EQ(Attempts(), "1=3");
  const LeasedEmail again = ClaimOne();
  ASSERT_TRUE(again.unconfirmed.has_value());
  EXPECT_EQ(again.unconfirmed->account, kAccount);
  EXPECT_EQ(again.attempts, 1);
  EXPECT_EQ(again.claims, 2);
  EXPECT_EQ(Begin(again).attempt, 2);
  EXPECT_THAT(Timeline(id), IsSupersetOf({EventType::kAttempted, EventType::kUnconfirmed}));
}

TEST_F(QueueStoreTest, ARescueAfterEvidenceClosesTheAttemptAsAccepted) {
  const EmailId id = Accept("key");
  Begin(ClaimOne());
  RecordEvents({Event(id, EventType::kProviderAccepted, "e1")});
  ExpireLeases();
  EXPECT_EQ(Rescue(), 1);
  EXPECT_EQ(State(id), EmailState::kSent);
  EXPECT_EQ(Attempts(), "1=1");
  EXPECT_EQ(QueueLength(), "0");
}

TEST_F(QueueStoreTest, AnEmailClaimedTooOftenWithoutAnEndIsPoison) {
  const EmailId id = Accept("key");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ClaimOne().claims, i + 1);
    ExpireLeases();
    EXPECT_EQ(Rescue(3), 1);
  }
  EXPECT_EQ(State(id), EmailState::kDead);
  EXPECT_EQ(Get(id).state_reason, "poison");
  EXPECT_EQ(QueueLength(), "0");
  EXPECT_THAT(Timeline(id), ElementsAre(EventType::kAccepted, EventType::kDead));
}

TEST_F(QueueStoreTest, PoisonThatMayHaveBeenTakenFailsWithUnknownOutcome) {
  const EmailId id = Accept("key");
  Begin(ClaimOne());
  ExpireLeases();
  EXPECT_EQ(Rescue(1), 1);
  EXPECT_EQ(State(id), EmailState::kFailed);
  EXPECT_EQ(Get(id).state_reason, "outcome_unknown");
  EXPECT_EQ(Attempts(), "1=3");
}

TEST_F(QueueStoreTest, ARecordedEndResetsTheClaims) {
  Accept("key");
  for (int i = 0; i < 5; ++i) {
    const LeasedEmail leased = ClaimOne();
    EXPECT_EQ(leased.claims, 1);
    ASSERT_TRUE(EndUntried(leased, Retry()));
  }
}

TEST_F(QueueStoreTest, OverdueEmailsExpire) {
  const EmailId id = Accept("key");
  EXPECT_EQ(ExpireOverdue(), 0);
  LetExpire();
  EXPECT_EQ(ExpireOverdue(), 1);
  EXPECT_EQ(State(id), EmailState::kExpired);
  EXPECT_EQ(QueueLength(), "0");
  EXPECT_THAT(Timeline(id), ElementsAre(EventType::kAccepted, EventType::kExpired));
}

TEST_F(QueueStoreTest, ALeasedEmailDoesNotExpireUnderItsHolder) {
  Accept("key");
  ClaimOne();
  LetExpire();
  EXPECT_EQ(ExpireOverdue(), 0);
}

TEST_F(QueueStoreTest, AnOverdueUnconfirmedEmailFailsWithUnknownOutcome) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed(absl::Hours(1)));
  LetExpire();
  EXPECT_EQ(ExpireOverdue(), 1);
  EXPECT_EQ(State(id), EmailState::kFailed);
  EXPECT_EQ(Get(id).state_reason, "outcome_unknown");
}

TEST_F(QueueStoreTest, DepthsCountByLane) {
  Accept("due");
  Accept("leased");
  Claim(Lane::kTransactional, 1);
  NewEmail bulk = Make("bulk");
  bulk.lane = Lane::kBulk;
  bulk.send_time = bulk.create_time + absl::Hours(1);
  Accept(bulk);
  ASSERT_OK_AND_ASSIGN(const auto depths, queue_.Depths());
  ASSERT_THAT(depths, SizeIs(2));
  EXPECT_EQ(depths[0].lane, Lane::kTransactional);
  EXPECT_EQ(depths[0].pending, 2);
  EXPECT_GE(depths[0].oldest_age, absl::ZeroDuration());
  EXPECT_EQ(depths[1].lane, Lane::kBulk);
  EXPECT_EQ(depths[1].pending, 1);
  EXPECT_EQ(depths[1].oldest_age, absl::ZeroDuration());
}

TEST_F(QueueStoreTest, TheOldestOfEachLaneIsToldByItsOwnLine) {
  Accept("due");
  NewEmail later = Make("later");
  later.send_time = later.create_time + absl::Hours(1);
  Accept(later);
  Sql("UPDATE herald.queue SET run_at = run_at - interval '10 minutes'");
  ASSERT_OK_AND_ASSIGN(const auto depths, queue_.Depths());
  ASSERT_THAT(depths, SizeIs(1));
  EXPECT_GE(depths[0].oldest_age, absl::Minutes(10));
  EXPECT_LT(depths[0].oldest_age, absl::Minutes(12));
}

TEST_F(QueueStoreTest, WhatWaitsIsToldWhereTheOldestCannotBeFound) {
  Accept("due");
  pqxx::connection other(database_.dsn());
  pqxx::work holder(other);
  holder.exec("LOCK TABLE herald.chunks IN ACCESS EXCLUSIVE MODE");
  ASSERT_OK_AND_ASSIGN(const auto depths, queue_.Depths());
  ASSERT_THAT(depths, SizeIs(1));
  EXPECT_EQ(depths[0].pending, 1);
  EXPECT_EQ(depths[0].oldest_age, absl::ZeroDuration()) << "the look is given up";
  holder.abort();
  Sql("UPDATE herald.queue SET run_at = run_at - interval '10 minutes'");
  ASSERT_OK_AND_ASSIGN(const auto soon, queue_.Depths());
  EXPECT_EQ(soon.at(0).oldest_age, absl::ZeroDuration()) << "it took two seconds: not again yet";
  ASSERT_OK_AND_ASSIGN(const auto of_another, PostgresQueueStore(database_.pool(), keys_).Depths());
  EXPECT_GE(of_another.at(0).oldest_age, absl::Minutes(10));
}

TEST_F(QueueStoreTest, NodesDifferFromCallToCall) {
  ASSERT_OK_AND_ASSIGN(const int first, queue_.NextNode());
  ASSERT_OK_AND_ASSIGN(const int second, queue_.NextNode());
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace herald::storage
