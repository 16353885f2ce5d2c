#include "storage/postgres/email_store.h"

#include "absl/strings/str_cat.h"
#include "server/config/limits.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = AcceptResult::Kind;

EmailQuery InStates(std::vector<EmailState> states) {
  EmailQuery query;
  query.states = std::move(states);
  return query;
}

EmailQuery Page(int limit, absl::optional<EmailId> before = absl::nullopt) {
  EmailQuery query;
  query.limit = limit;
  query.before = before;
  return query;
}

class EmailStoreTest : public EmailFixture {
 protected:
  std::vector<EmailId> List(const EmailQuery& query) {
    std::vector<EmailId> found;
    absl::StatusOr<std::vector<EmailRecord>> records = emails_.ListEmails(a_, query);
    EXPECT_OK(records);
    if (records.ok()) {
      for (const EmailRecord& record : *records) found.push_back(record.id);
    }
    return found;
  }
};

TEST_F(EmailStoreTest, AnAcceptedEmailReadsAsItWasGiven) {
  NewEmail email = Make("key");
  email.template_key = "welcome";
  email.template_version = 3;
  email.test = true;
  const AcceptResult result = AcceptOne(email);
  EXPECT_EQ(result.kind, Kind::kAccepted);
  EXPECT_EQ(result.state, EmailState::kQueued);
  const EmailRecord record = Get(email.id);
  EXPECT_EQ(record.state, EmailState::kQueued);
  EXPECT_EQ(record.recipient, email.recipient);
  EXPECT_EQ(record.from_name, email.from_name);
  EXPECT_EQ(record.metadata, email.metadata);
  EXPECT_EQ(record.idempotency_key, "key");
  EXPECT_EQ(record.template_version, 3);
  EXPECT_EQ(record.create_time, email.create_time);
  EXPECT_EQ(record.expire_time, email.expire_time);
  EXPECT_EQ(record.send_time, absl::nullopt);
  EXPECT_TRUE(record.test);
  EXPECT_EQ(record.attempt_count, 0);
}

TEST_F(EmailStoreTest, AddressesAndContentAreNotStoredInTheClear) {
  Accept("key");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails e JOIN herald.email_contents c USING (email_id)"
                " WHERE encode(recipient_sealed, 'escape') ILIKE '%anna%'"
                " OR encode(content_sealed, 'escape') LIKE '%content%'"),
            "0");
}

TEST_F(EmailStoreTest, AKnownKeyWithEqualContentIsReplayed) {
  const EmailId first = Accept("key");
  const AcceptResult again = AcceptOne(Make("key"));
  EXPECT_EQ(again.kind, Kind::kReplayed);
  ASSERT_TRUE(again.existing != nullptr);
  EXPECT_EQ(again.existing->id, first);
  EXPECT_EQ(again.existing->recipient, "Anna@example.com");
  EXPECT_EQ(QueueLength(), "1");
}

TEST_F(EmailStoreTest, AKnownKeyWithOtherContentIsAConflict) {
  Accept("key");
  NewEmail other = Make("key");
  other.request_hash = std::string(32, 'x');
  EXPECT_EQ(AcceptOne(other).kind, Kind::kConflict);
}

TEST_F(EmailStoreTest, AKeyIsFreeAgainAfterItExpired) {
  NewEmail old = Make("key");
  old.key_expire_time = absl::Now() - absl::Seconds(1);
  Accept(old);
  EXPECT_EQ(AcceptOne(Make("key")).kind, Kind::kAccepted);
}

TEST_F(EmailStoreTest, TheSameKeyOfAnotherTenantIsAnotherKey) {
  Accept("key");
  EXPECT_EQ(AcceptOne(Make("key", b_)).kind, Kind::kAccepted);
}

TEST_F(EmailStoreTest, DuplicatesWithinAGroupFollowTheFirst) {
  NewEmail other = Make("key");
  other.request_hash = std::string(32, 'x');
  const std::vector<NewEmail> group = {Make("key"), Make("key"), other, Make("another", b_)};
  ASSERT_OK_AND_ASSIGN(const auto results, emails_.AcceptEmails(group));
  EXPECT_EQ(results[0].kind, Kind::kAccepted);
  EXPECT_EQ(results[1].kind, Kind::kReplayed);
  EXPECT_EQ(results[1].existing->id, group[0].id);
  EXPECT_EQ(results[2].kind, Kind::kConflict);
  EXPECT_EQ(results[3].kind, Kind::kAccepted);
  EXPECT_EQ(QueueLength(), "2");
}

TEST_F(EmailStoreTest, OneBadRowIsRefusedAlone) {
  NewEmail not_utf8 = Make("a");
  not_utf8.category = "\xff";
  NewEmail nul = Make("b");
  nul.user_id = std::string("\0", 1);
  NewEmail inconsistent = Make("c");
  inconsistent.template_version = 1;  // of no template
  NewEmail nobody = Make("d", TenantId{999});
  const std::vector<NewEmail> group = {Make("1"), not_utf8, nul, inconsistent, nobody, Make("2")};
  ASSERT_OK_AND_ASSIGN(const auto results, emails_.AcceptEmails(group));
  EXPECT_EQ(results[0].kind, Kind::kAccepted);
  EXPECT_THAT(results[1].error, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(results[2].error, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(results[3].error, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(results[4].error, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(results[5].kind, Kind::kAccepted);
  for (size_t i : {1, 2, 3, 4}) EXPECT_EQ(results[i].kind, Kind::kRefused);
  EXPECT_EQ(QueueLength(), "2");
}

TEST_F(EmailStoreTest, AFollowerOfARefusedEmailTriesForItself) {
  NewEmail bad = Make("key");
  bad.category = "\xff";
  const std::vector<NewEmail> group = {bad, Make("key")};
  ASSERT_OK_AND_ASSIGN(const auto results, emails_.AcceptEmails(group));
  EXPECT_EQ(results[0].kind, Kind::kRefused);
  EXPECT_EQ(results[1].kind, Kind::kAccepted);
}

TEST_F(EmailStoreTest, ASuppressedAddressIsAcceptedAsSuppressed) {
  SuppressRecipientOf(Accept("first"));
  const NewEmail email = Make("second");
  const AcceptResult result = AcceptOne(email);
  EXPECT_EQ(result.kind, Kind::kAccepted);
  EXPECT_EQ(result.state, EmailState::kSuppressed);
  EXPECT_EQ(result.state_reason, "manual");
  EXPECT_EQ(QueueLength(), "1");
  EXPECT_THAT(Timeline(email.id), ElementsAre(EventType::kAccepted, EventType::kSuppressed));
}

TEST_F(EmailStoreTest, AnExpiredSuppressionStopsNobody) {
  SuppressRecipientOf(Accept("first"));
  Sql("UPDATE herald.suppressions SET expire_time = now() - interval '1 s'");
  EXPECT_EQ(AcceptOne(Make("second")).state, EmailState::kQueued);
}

TEST_F(EmailStoreTest, ASendTimeAheadSchedules) {
  NewEmail email = Make("key");
  email.send_time = email.create_time + absl::Hours(1);
  EXPECT_EQ(AcceptOne(email).state, EmailState::kScheduled);
  EXPECT_THAT(Timeline(email.id), ElementsAre(EventType::kAccepted, EventType::kScheduled));
  ASSERT_OK_AND_ASSIGN(const auto claimed,
                       queue_.Claim(Lane::kTransactional, 10, absl::Seconds(9), {}));
  EXPECT_THAT(claimed, IsEmpty());
}

TEST_F(EmailStoreTest, AScheduledEmailIsShownAsQueuedOnceItsTimeCame) {
  NewEmail email = Make("key");
  email.send_time = email.create_time + absl::Hours(1);
  Accept(email);
  Sql("UPDATE herald.emails SET send_time = now() - interval '1 s'");
  EXPECT_EQ(State(email.id), EmailState::kQueued);
}

TEST_F(EmailStoreTest, AnOpenAttemptShowsAsSending) {
  const EmailId id = Accept("key");
  const AttemptEnd end = Begin(ClaimOne());
  EXPECT_EQ(State(id), EmailState::kSending);
  EXPECT_EQ(Get(id).attempt_count, 1);
  EXPECT_EQ(Get(id).provider_account, kAccount);
  Record(end);
  EXPECT_EQ(State(id), EmailState::kSent);
}

TEST_F(EmailStoreTest, AnErasedKeyLeavesTheRecipientEmpty) {
  const EmailId id = Accept("key");
  Sql("DELETE FROM herald.tenant_keys");
  keys_.Forget(a_);
  EXPECT_EQ(Get(id).recipient, "");
}

TEST_F(EmailStoreTest, ListFindsByEachFilter) {
  NewEmail wanted = Make("wanted");
  wanted.recipient_normalised = "berta@example.com";
  wanted.user_id = "user-2";
  wanted.category = "marketing";
  wanted.template_key = "welcome";
  wanted.template_version = 1;
  wanted.lane = Lane::kBulk;
  Accept("other");
  Accept(wanted);
  Accept("third");
  const auto finds = [&](auto set) {
    EmailQuery query;
    set(query);
    EXPECT_THAT(List(query), ElementsAre(wanted.id));
  };
  finds([](EmailQuery& q) { q.recipient_normalised = "berta@example.com"; });
  finds([](EmailQuery& q) { q.user_id = "user-2"; });
  finds([](EmailQuery& q) { q.category = "marketing"; });
  finds([](EmailQuery& q) { q.template_key = "welcome"; });
  finds([](EmailQuery& q) { q.lane = Lane::kBulk; });
  finds([](EmailQuery& q) { q.idempotency_key = "wanted"; });
  finds([&](EmailQuery& q) {
    q.create_time_from = wanted.create_time;
    q.create_time_to = wanted.create_time + absl::Microseconds(1);
  });
}

TEST_F(EmailStoreTest, ListFindsByShownStateAndMessageId) {
  const EmailId first = Accept("1");
  Attempt(Outcome::kAccepted, Sent());
  const EmailId second = Accept("2");
  Begin(ClaimOne());
  const EmailId third = Accept("3");
  EXPECT_THAT(List(InStates({EmailState::kSent})), ElementsAre(first));
  EXPECT_THAT(List(InStates({EmailState::kSending})), ElementsAre(second));
  EXPECT_THAT(List(InStates({EmailState::kQueued})), ElementsAre(third));
  EXPECT_THAT(List(InStates({EmailState::kQueued, EmailState::kSent})), ElementsAre(third, first));
  EmailQuery query;
  query.provider_message_id = "message-1";
  EXPECT_THAT(List(query), ElementsAre(first));
}

TEST_F(EmailStoreTest, ListPagesNewestFirst) {
  const EmailId first = Accept("1"), second = Accept("2"), third = Accept("3");
  EXPECT_THAT(List(Page(2)), ElementsAre(third, second));
  EXPECT_THAT(List(Page(2, second)), ElementsAre(first));
}

TEST_F(EmailStoreTest, CancellingTakesTheEmailOutOfTheQueue) {
  const EmailId id = Accept("key");
  ASSERT_OK_AND_ASSIGN(const EmailRecord record, emails_.CancelEmail(a_, id));
  EXPECT_EQ(record.state, EmailState::kCancelled);
  EXPECT_EQ(QueueLength(), "0");
  EXPECT_OK(emails_.CancelEmail(a_, id));
  EXPECT_THAT(Timeline(id), ElementsAre(EventType::kAccepted, EventType::kCancelled));
}

TEST_F(EmailStoreTest, ALeasedEmailWithoutAnAttemptCanBeCancelled) {
  const EmailId id = Accept("key");
  const LeasedEmail leased = ClaimOne();
  ASSERT_OK(emails_.CancelEmail(a_, id));
  const BeginResult begun = TryBegin(leased.lease);
  EXPECT_EQ(begun.verdict, BeginResult::Verdict::kStopped);
  EXPECT_EQ(begun.stopped_as, EmailState::kCancelled);
}

TEST_F(EmailStoreTest, AnAttemptUnderWayOrUnconfirmedCannotBeCancelled) {
  const EmailId id = Accept("key");
  AttemptEnd end = Begin(ClaimOne());
  EXPECT_THAT(emails_.CancelEmail(a_, id), StatusIs(absl::StatusCode::kFailedPrecondition));
  end.outcome = Outcome::kUnconfirmed;
  end.disposition = Unconfirmed();
  ASSERT_TRUE(Record(end));
  EXPECT_THAT(emails_.CancelEmail(a_, id), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EmailStoreTest, AnEmailThatWaitsForARetryCanBeCancelled) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kRetryable, Retry(absl::Hours(1)));
  ASSERT_OK(emails_.CancelEmail(a_, id));
  EXPECT_EQ(State(id), EmailState::kCancelled);
}

TEST_F(EmailStoreTest, ReschedulingMovesTheEmail) {
  NewEmail email = Make("key");
  email.send_time = email.create_time + absl::Hours(2);
  Accept(email);
  const absl::Time later = email.create_time + absl::Hours(3);
  ASSERT_OK_AND_ASSIGN(EmailRecord record, emails_.RescheduleEmail(a_, email.id, later));
  EXPECT_EQ(record.state, EmailState::kScheduled);
  EXPECT_EQ(record.send_time, later);
  ASSERT_OK_AND_ASSIGN(record,
                       emails_.RescheduleEmail(a_, email.id, absl::Now() - absl::Seconds(1)));
  EXPECT_EQ(record.state, EmailState::kQueued);
  ClaimOne();
  EXPECT_THAT(Timeline(email.id), ElementsAre(EventType::kAccepted, EventType::kScheduled,
                                              EventType::kScheduled, EventType::kScheduled));
}

TEST_F(EmailStoreTest, ARescheduledEmailsKeyIsKeptAsIfItHadBeenAcceptedForThen) {
  NewEmail email = Make("key");
  email.expire_time = email.create_time + absl::Hours(24 * 20);
  email.send_time = email.create_time + absl::Hours(24 * 10);
  email.key_expire_time = *email.send_time + limits::kKeyRetentionAfterSend;
  Accept(email);
  const auto kept_for = [&] {
    return Sql(absl::StrCat("SELECT extract(epoch FROM k.expire_time - e.send_time)::int / 3600 ",
                            "FROM herald.idempotency_keys k JOIN herald.emails e ",
                            "USING (tenant_id, email_id)"));
  };
  const std::string as_accepted = absl::StrCat(limits::kKeyRetentionAfterSend / absl::Hours(1));
  EXPECT_EQ(kept_for(), as_accepted);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(emails_.RescheduleEmail(a_, email.id, *email.send_time + absl::Hours(48)));
    EXPECT_EQ(kept_for(), as_accepted) << "however often it is moved";
    ASSERT_OK(emails_.RescheduleEmail(a_, email.id, *email.send_time));
    EXPECT_EQ(kept_for(), absl::StrCat(limits::kKeyRetentionAfterSend / absl::Hours(1) + 48))
        << "it is never kept for less than it was";
  }
}

TEST_F(EmailStoreTest, FindsWhatEqualRequestsHaveLedTo) {
  const NewEmail one = Make("one"), two = Make("two");
  Accept(one);
  Accept(two);
  Accept(Make("three", b_));
  ASSERT_OK_AND_ASSIGN(const auto found, emails_.FindReplays(a_, {{"two", two.request_hash},
                                                                  {"none", two.request_hash},
                                                                  {"three", two.request_hash},
                                                                  {"one", std::string(32, 'o')},
                                                                  {"one", one.request_hash},
                                                                  {"two", two.request_hash}}));
  ASSERT_EQ(found.size(), 6u);
  for (const size_t i : {1u, 2u, 3u}) EXPECT_EQ(found[i], nullptr) << i;
  for (const size_t i : {0u, 5u}) {
    ASSERT_NE(found[i], nullptr) << i;
    EXPECT_EQ(found[i]->id, two.id);
  }
  ASSERT_NE(found[4], nullptr);
  EXPECT_EQ(found[4]->id, one.id);
  EXPECT_EQ(found[4]->recipient, one.recipient);
  Sql("UPDATE herald.idempotency_keys SET expire_time = now() - interval '1 second'");
  ASSERT_OK_AND_ASSIGN(const auto over, emails_.FindReplays(a_, {{"one", one.request_hash}}));
  EXPECT_EQ(over[0], nullptr) << "a key that is no longer kept answers nothing";
}

TEST_F(EmailStoreTest, ReschedulingIsRefusedBeyondExpiryOrOnceLeasedOrAttempted) {
  const NewEmail email = Make("key");
  Accept(email);
  const auto refused = [&](absl::Time time) {
    EXPECT_THAT(emails_.RescheduleEmail(a_, email.id, time),
                StatusIs(absl::StatusCode::kFailedPrecondition));
  };
  refused(email.expire_time);
  AttemptEnd end = Begin(ClaimOne());
  refused(email.create_time + absl::Hours(1));
  end.outcome = Outcome::kRetryable;
  end.disposition = Retry();
  ASSERT_TRUE(Record(end));
  refused(email.create_time + absl::Hours(1));
}

TEST_F(EmailStoreTest, RedriveGivesADeadEmailAFreshBudget) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kRetryable, Dead());
  EXPECT_EQ(State(id), EmailState::kDead);
  ASSERT_OK_AND_ASSIGN(const EmailRecord record,
                       emails_.RedriveEmail(a_, id, absl::Hours(1), "operator"));
  EXPECT_EQ(record.state, EmailState::kQueued);
  EXPECT_NEAR(absl::ToDoubleSeconds(record.expire_time - absl::Now()), 3600, 60);
  const LeasedEmail leased = ClaimOne();
  EXPECT_EQ(leased.redrives, 1);
  EXPECT_EQ(leased.claims, 1);
  EXPECT_EQ(leased.attempts, 1);
  EXPECT_EQ(leased.attempts_before_redrive, 1);
  EXPECT_EQ(Begin(leased).attempt, 2);
  EXPECT_EQ(Sql("SELECT actor, action FROM herald.audit_entries"),
            "operator|herald.v1.EmailService/RedriveEmail");
  EXPECT_THAT(Timeline(id),
              ElementsAre(EventType::kAccepted, EventType::kAttempted, EventType::kDead,
                          EventType::kRedriven, EventType::kAttempted));
}

TEST_F(EmailStoreTest, OnlyADeadEmailIsRedriven) {
  const EmailId id = Accept("key");
  EXPECT_THAT(emails_.RedriveEmail(a_, id, absl::Hours(1), "operator"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.audit_entries"), "0");
}

TEST_F(EmailStoreTest, RedriveOfManyTakesTheOldestThatMatch) {
  std::vector<EmailId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(Accept(absl::StrCat(i)));
    Attempt(Outcome::kRetryable, Dead());
  }
  Accept("alive");
  ASSERT_OK_AND_ASSIGN(const auto redriven,
                       emails_.RedriveEmails(a_, Page(2), absl::Hours(1), "operator"));
  EXPECT_THAT(redriven, ElementsAre(ids[0], ids[1]));
  EXPECT_EQ(State(ids[2]), EmailState::kDead);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.audit_entries"), "1");
}

TEST_F(EmailStoreTest, RedriveOfTestEmailsLeavesLiveOnesDead) {
  const EmailId live = Accept("live");
  Attempt(Outcome::kRetryable, Dead());
  NewEmail tried = Make("test");
  tried.test = true;
  Accept(tried);
  Attempt(Outcome::kRetryable, Dead());
  EmailQuery query;
  query.test_only = true;
  ASSERT_OK_AND_ASSIGN(const auto redriven,
                       emails_.RedriveEmails(a_, query, absl::Hours(1), "token"));
  EXPECT_THAT(redriven, ElementsAre(tried.id));
  EXPECT_EQ(State(tried.id), EmailState::kQueued);
  EXPECT_EQ(State(live), EmailState::kDead);
}

TEST_F(EmailStoreTest, NoMethodReachesAnotherTenantsEmail) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kRetryable, Dead());
  const auto hidden = StatusIs(absl::StatusCode::kNotFound);
  EXPECT_THAT(emails_.GetEmail(b_, id), hidden);
  EXPECT_THAT(emails_.ListEvents(b_, id), hidden);
  EXPECT_THAT(emails_.CancelEmail(b_, id), hidden);
  EXPECT_THAT(emails_.RescheduleEmail(b_, id, absl::Now()), hidden);
  EXPECT_THAT(emails_.RedriveEmail(b_, id, absl::Hours(1), "b"), hidden);
  ASSERT_OK_AND_ASSIGN(const auto redriven, emails_.RedriveEmails(b_, {}, absl::Hours(1), "b"));
  EXPECT_THAT(redriven, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto listed, emails_.ListEmails(b_, {}));
  EXPECT_THAT(listed, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const FeedPage feed, emails_.ReadFeed(b_, {}, 100));
  EXPECT_THAT(feed.events, IsEmpty());
  EXPECT_EQ(AcceptOne(Make("key", b_)).kind, Kind::kAccepted);
  EXPECT_EQ(State(id), EmailState::kDead);
}

TEST_F(EmailStoreTest, TheFeedGoesOnWhereItsPageEnded) {
  for (int i = 0; i < 3; ++i) {
    Accept(absl::StrCat(i));
    Attempt(Outcome::kAccepted, Sent());
  }
  ASSERT_OK_AND_ASSIGN(const FeedPage first, emails_.ReadFeed(a_, {}, 2));
  EXPECT_THAT(first.events, SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const FeedPage second, emails_.ReadFeed(a_, first.next, 2));
  EXPECT_THAT(second.events, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const FeedPage third, emails_.ReadFeed(a_, second.next, 2));
  EXPECT_THAT(third.events, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const FeedCursor end, emails_.FeedEnd(a_));
  Accept("late");
  Attempt(Outcome::kAccepted, Sent());
  ASSERT_OK_AND_ASSIGN(const FeedPage after_end, emails_.ReadFeed(a_, end, 10));
  EXPECT_THAT(after_end.events, SizeIs(1));
}

}  // namespace
}  // namespace herald::storage
