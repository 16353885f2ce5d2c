// Who gets what: the gate at acceptance and, for what was queued before, at the beginning of an
// attempt. Both must say the same.

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "tests/postgres/audience_gate_fixture.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Verdict = BeginResult::Verdict;

TEST_F(AudienceGateTest, WithoutChoicesOnlyTheCategoryThatIsOutByDefaultIsStopped) {
  EXPECT_THAT(Stops(), ElementsAre("", "not_opted_in", "", ""));
}

struct Case {
  const char* name;
  const char* reason;
  bool global;
  std::vector<std::string> stops;
};

class SuppressionTable : public AudienceGateTest, public ::testing::WithParamInterface<Case> {};

TEST_P(SuppressionTable, StopsAtAcceptanceAndBeforeTheAttempt) {
  Choose(a_, {kAddress, ""}, "tips", true);
  QueueAll();
  Suppress(GetParam().global ? SuppressionScope() : SuppressionScope(a_), GetParam().reason);
  EXPECT_EQ(Stops(), GetParam().stops);
  // The other tenant's recipient of that address is stopped by the operators' alone.
  EXPECT_EQ(AcceptOne(Of("news", b_)).state_reason, GetParam().global ? GetParam().stops[0] : "");
}

std::vector<std::string> All(const std::string& reason) { return {reason, reason, reason, reason}; }

INSTANTIATE_TEST_SUITE_P(
    Reasons, SuppressionTable,
    ::testing::Values(
        Case{"HardBounce", "hard_bounce", false, All("hard_bounce")},
        Case{"Complaint", "complaint", false, All("complaint")},
        Case{"Manual", "manual", false, All("manual")},
        Case{"SoftBounces", "soft_bounce_limit", false, All("soft_bounce_limit")},
        Case{"Provider", "provider", false, All("provider")},
        Case{"Unsubscribe", "unsubscribe", false, {"unsubscribe", "unsubscribe", "", ""}},
        Case{"GlobalManual", "manual", true, All("global_manual")},
        Case{"GlobalComplaint", "complaint", true, All("global_complaint")}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(AudienceGateTest, AnAddressThatOptsOutOfACategoryGetsTheOthers) {
  Choose(a_, {kAddress, ""}, "tips", true);
  QueueAll();
  Choose(a_, {kAddress, ""}, "news", false);
  EXPECT_THAT(Stops(), ElementsAre("preference", "", "", ""));
}

TEST_F(AudienceGateTest, AUserWhoLeavesMarketingGetsTransactionalMail) {
  Choose(a_, {"", kUser}, "tips", true);
  QueueAll();
  Leave(a_, {"", kUser});
  EXPECT_THAT(Stops(), ElementsAre("unsubscribe", "unsubscribe", "", ""));
}

TEST_F(AudienceGateTest, EitherTheAddressOrTheUserCanSayNo) {
  Choose(a_, {kAddress, ""}, "news", true);
  Choose(a_, {"", kUser}, "news", false);
  Choose(a_, {"", kUser}, "orders", false);
  EXPECT_THAT(Stops(), ElementsAre("preference", "not_opted_in", "preference", ""));
}

TEST_F(AudienceGateTest, ComingBackToMarketingLiftsNothingElse) {
  Choose(a_, {kAddress, ""}, "news", false);
  Leave(a_, {kAddress, ""});
  Suppress(a_, "hard_bounce");
  Leave(a_, {kAddress, ""}, /*unsubscribed=*/false);
  EXPECT_THAT(Stops(), ElementsAre("hard_bounce", "hard_bounce", "hard_bounce", "hard_bounce"));
  ASSERT_OK(suppressions_.DeleteSuppression(a_, kAddress, SuppressionKind::kAllMail, audit_));
  EXPECT_THAT(Stops(), ElementsAre("preference", "not_opted_in", "", ""));
}

TEST_F(AudienceGateTest, LiftingABounceLeavesTheUnsubscribe) {
  Leave(a_, {kAddress, ""});
  Suppress(a_, "hard_bounce");
  ASSERT_OK(suppressions_.DeleteSuppression(a_, kAddress, SuppressionKind::kAllMail, audit_));
  EXPECT_THAT(Stops(), ElementsAre("unsubscribe", "unsubscribe", "", ""));
}

TEST_F(AudienceGateTest, AnExpiredSuppressionStopsNothing) {
  Suppress(a_, "manual", absl::Now() - absl::Seconds(1));
  Suppress(absl::nullopt, "manual", absl::Now() - absl::Seconds(1));
  EXPECT_THAT(Stops(), ElementsAre("", "not_opted_in", "", ""));
}

TEST_F(AudienceGateTest, AScheduledEmailIsStoppedByWhatLastsUntilItIsSent) {
  const absl::Time send_time = absl::Now() + absl::Hours(2);
  const auto scheduled = [&](const std::string& category) {
    NewEmail email = Of(category, a_);
    email.send_time = send_time;
    email.expire_time = send_time + absl::Hours(1);
    return AcceptOne(email);
  };
  for (const SuppressionScope scope : {SuppressionScope(a_), SuppressionScope()}) {
    Suppress(scope, "manual", send_time - absl::Hours(1));
    EXPECT_EQ(scheduled("orders").state, EmailState::kScheduled);
    EXPECT_NE(AcceptOne(Of("orders", a_)).state_reason, "") << "what goes at once is stopped";
    Suppress(scope, "manual", send_time + absl::Hours(1));
    EXPECT_EQ(scheduled("orders").state_reason, scope.has_value() ? "manual" : "global_manual");
    ASSERT_OK(suppressions_.DeleteSuppression(scope, kAddress, SuppressionKind::kAllMail, audit_));
  }
  Suppress(a_, "unsubscribe", send_time - absl::Hours(1));
  EXPECT_EQ(scheduled("news").state, EmailState::kScheduled);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "unsubscribe");
}

TEST_F(AudienceGateTest, AScheduledEmailIsJudgedAgainWhenItIsSent) {
  NewEmail email = Of("orders", a_);
  email.send_time = absl::Now() + absl::Hours(2);
  email.expire_time = *email.send_time + absl::Hours(1);
  Suppress(a_, "manual", absl::Now() + absl::Hours(1));
  EXPECT_EQ(AcceptOne(email).state, EmailState::kScheduled);
  ASSERT_OK(emails_.RescheduleEmail(a_, email.id, absl::Now()));
  absl::StatusOr<std::vector<LeasedEmail>> claimed =
      queue_.Claim(Lane::kTransactional, 100, absl::Seconds(60), {});
  ASSERT_OK(claimed);
  ASSERT_THAT(*claimed, SizeIs(1));
  TryBegin((*claimed)[0].lease);
  EXPECT_EQ(Get(email.id).state_reason, "manual");
}

TEST_F(AudienceGateTest, ADeletedMarketingCategoryStillBinds) {
  Choose(a_, {kAddress, ""}, "tips", true);
  QueueAll();
  Leave(a_, {kAddress, ""});
  ASSERT_OK(categories_.DeleteCategory(a_, "news"));
  EXPECT_EQ(Stops()[0], "unsubscribe");
}

TEST_F(AudienceGateTest, TwoTenantsHoldOppositePreferencesOfOneAddress) {
  Choose(a_, {kAddress, ""}, "news", false);
  Choose(b_, {kAddress, ""}, "news", true);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "preference");
  EXPECT_EQ(AcceptOne(Of("news", b_)).state, EmailState::kQueued);
  ASSERT_OK_AND_ASSIGN(const Preferences theirs, preferences_.GetPreferences(b_, {kAddress, ""}));
  ASSERT_THAT(theirs.preferences, SizeIs(1));
  EXPECT_EQ(theirs.preferences[0].opted_in, true);
}

TEST_F(AudienceGateTest, UnsubscribingTwiceLeavesOneAuditEntryAndOneEvent) {
  const EmailId id = Accept(Of("news", a_));
  UnsubscribeAct act;
  act.tenant = a_;
  act.email = id;
  act.address = kAddress;
  act.one_click_category = "news";
  for (int i = 0; i < 2; ++i) ASSERT_OK(preferences_.Unsubscribe(act));
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.audit_entries WHERE actor = 'recipient'"), "1");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.email_events WHERE type = 28"), "1");
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "preference");
}

TEST_F(AudienceGateTest, OneClickOnAnUndeclaredCategoryLeavesAllMarketing) {
  UnsubscribeAct act;
  act.tenant = a_;
  act.email = EmailId{1};  // long pruned
  act.address = kAddress;
  act.one_click_category = "undeclared";
  ASSERT_OK_AND_ASSIGN(const Preferences preferences, preferences_.Unsubscribe(act));
  EXPECT_TRUE(preferences.unsubscribed);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "unsubscribe");
}

TEST_F(AudienceGateTest, SoftBouncesOnFourDaysSuppressUnlessADeliveryComesBetween) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  std::vector<EmailId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(Accept(Of("orders", a_)));
  const auto bounce = [&](int i, int day) {
    ProviderEvent event =
        Event(ids[static_cast<size_t>(i)], EventType::kBounced, absl::StrCat("bounce-", i));
    event.bounce_class = BounceClass::kSoft;
    event.event_time = start + absl::Hours(24) * day;
    RecordEvents({event});
  };
  for (int i = 0; i < 5; ++i) bounce(i, 0);  // one bad night
  for (int i = 5; i < 7; ++i) bounce(i, i - 4);
  RecordEvents({Event(ids[11], EventType::kDelivered, "delivered")});
  bounce(7, 3);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.suppressions"), "0");
  for (int i = 8; i < 11; ++i) bounce(i, i - 4);
  EXPECT_EQ(Sql("SELECT reason FROM herald.suppressions"), "soft_bounce_limit");
  EXPECT_EQ(AcceptOne(Of("orders", a_)).state_reason, "soft_bounce_limit");
}

TEST_F(AudienceGateTest, OnlyALaterDeliveryOfLiveMailForgetsSoftBounces) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  for (int day = 0; day < 3; ++day) {
    ProviderEvent event = Event(Accept(Of("orders", a_)), EventType::kBounced, "bounce");
    event.bounce_class = BounceClass::kSoft;
    event.event_time = start + absl::Hours(24) * day;
    RecordEvents({event});
  }
  const auto days = [this] { return Sql("SELECT count(*) FROM herald.soft_bounces"); };
  NewEmail test = Of("orders", a_);
  test.test = true;
  RecordEvents({Event(Accept(test), EventType::kDelivered, "delivered")});
  EXPECT_EQ(days(), "3");
  ProviderEvent delivered = Event(Accept(Of("orders", a_)), EventType::kDelivered, "delivered");
  delivered.event_time = start + absl::Hours(24);
  RecordEvents({delivered});
  EXPECT_EQ(days(), "1");  // the bounce of the day after, which was told of first
}

TEST_F(AudienceGateTest, ALateSoftBounceFromBeforeTheWindowDoesNotCount) {
  const auto bounce = [&](TenantId tenant, int day) {
    const EmailId id = Accept(Of("orders", tenant));
    ProviderEvent event = Event(id, EventType::kBounced, "bounce");
    event.tenant = tenant;
    event.bounce_class = BounceClass::kSoft;
    event.event_time = absl::FromUnixSeconds(1'700'000'000) + absl::Hours(24) * day;
    return event;
  };
  for (const int day : {16, 17, 18, 0}) RecordEvents({bounce(a_, day)});
  RecordEvents({bounce(b_, 16), bounce(b_, 17), bounce(b_, 18), bounce(b_, 4)});
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.suppressions"), "0");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.soft_bounces"), "6");
  RecordEvents({bounce(a_, 5)});  // the first day of the window that ends on day 18
  EXPECT_EQ(Sql("SELECT tenant_id, reason FROM herald.suppressions"),
            absl::StrCat(a_.value, "|soft_bounce_limit"));
}

TEST_F(AudienceGateTest, ListsImportsAndChecksWithTheAddressesOpened) {
  std::vector<NewSuppression> many;
  for (int i = 0; i < 250; ++i) {
    many.push_back({absl::StrCat("x", i % 200, "@example.com"), "manual", absl::nullopt});
  }
  EXPECT_THAT(suppressions_.ImportSuppressions(a_, many, audit_), IsOkAndHolds(200));
  EXPECT_THAT(suppressions_.ImportSuppressions(a_, many, audit_), IsOkAndHolds(0));
  EXPECT_EQ(Sql("SELECT target FROM herald.audit_entries"), "200 addresses");
  SuppressionQuery query;
  query.after_id = 0;
  query.limit = 150;
  ASSERT_OK_AND_ASSIGN(const auto first, suppressions_.ListSuppressions(a_, query));
  query.after_id = first.back().id;
  ASSERT_OK_AND_ASSIGN(const auto rest, suppressions_.ListSuppressions(a_, query));
  EXPECT_EQ(first.size() + rest.size(), 200u);
  EXPECT_THAT(first[0].address, ::testing::EndsWith("@example.com"));
  ASSERT_OK_AND_ASSIGN(const auto theirs, suppressions_.ListSuppressions(b_, query));
  EXPECT_THAT(theirs, SizeIs(0));
  ASSERT_OK_AND_ASSIGN(const auto in_force, suppressions_.CheckSuppressions(a_, "x7@example.com"));
  EXPECT_THAT(in_force, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto not_theirs,
                       suppressions_.CheckSuppressions(b_, "x7@example.com"));
  EXPECT_THAT(not_theirs, SizeIs(0));
}

TEST_F(AudienceGateTest, ConcurrentImportsOfTheSameAddressesDoNotDeadlock) {
  std::vector<std::thread> importers;
  for (int t = 0; t < 2; ++t) {
    importers.emplace_back([this, t] {
      for (int round = 1; round <= 5; ++round) {
        std::vector<NewSuppression> rows;
        for (int i = 0; i < 200; ++i) {
          const std::string address = absl::StrCat("x", t == 0 ? i : 199 - i, "@example.com");
          // Later than those before, lest nothing changed.
          const absl::Time expire_time = absl::Now() + absl::Hours(round);
          rows.push_back({address, i % 2 == 0 ? "manual" : "unsubscribe", expire_time});
        }
        EXPECT_OK(suppressions_.ImportSuppressions(a_, rows, audit_));
      }
    });
  }
  for (std::thread& importer : importers) importer.join();
  EXPECT_EQ(database_.Deadlocks(), 0);
}

TEST_F(AudienceGateTest, ARenewedSuppressionIsTheNewestAndFollowsWhatWasExported) {
  const absl::Time soon = absl::Now() + absl::Hours(1);
  for (const SuppressionScope scope : {SuppressionScope(a_), SuppressionScope()}) {
    Suppress(scope, "manual", soon);
    const int64_t exported = SuppressAnother(scope);
    EXPECT_THAT(AddressesAfter(scope, exported), ElementsAre());
    Suppress(scope, "manual");
    EXPECT_THAT(AddressesAfter(scope, exported), ElementsAre(kAddress));
    ASSERT_OK_AND_ASSIGN(const auto newest, suppressions_.ListSuppressions(scope, {}));
    ASSERT_THAT(newest, SizeIs(2));
    EXPECT_EQ(newest[0].address, kAddress);
    Suppress(scope, "complaint", soon);  // the one in force lasts longer
    EXPECT_THAT(AddressesAfter(scope, newest[0].id), ElementsAre());
  }
}

TEST_F(AudienceGateTest, AnUnsubscribeInPlaceOfOneThatWouldExpireIsTheNewest) {
  Suppress(a_, "unsubscribe", absl::Now() + absl::Hours(1));
  const int64_t exported = SuppressAnother(a_);
  Leave(a_, {kAddress, ""});
  EXPECT_THAT(AddressesAfter(a_, exported), ElementsAre(kAddress));
}

TEST_F(AudienceGateTest, TheAddressOfABouncedEmailCanBeReadInTheList) {
  ProviderEvent event = Event(Accept(Of("orders", a_)), EventType::kBounced, "bounce");
  event.bounce_class = BounceClass::kHard;
  RecordEvents({event});
  ASSERT_OK_AND_ASSIGN(const auto found, suppressions_.CheckSuppressions(a_, kAddress));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].address, "Anna@example.com");
}

TEST_F(AudienceGateTest, ACheckLeavesOutWhatHasExpiredByTheDatabasesClock) {
  Suppress(a_, "manual", absl::Now() + absl::Hours(1));
  Suppress(a_, "unsubscribe");
  Suppress(absl::nullopt, "complaint", absl::Now() + absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const auto before, suppressions_.CheckSuppressions(a_, kAddress));
  EXPECT_THAT(before, SizeIs(3));
  Sql("UPDATE herald.suppressions SET expire_time = now() WHERE reason = 'manual'");
  Sql("UPDATE herald.global_suppressions SET expire_time = now()");
  ASSERT_OK_AND_ASSIGN(const auto after, suppressions_.CheckSuppressions(a_, kAddress));
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_EQ(after[0].reason, "unsubscribe");
}

TEST_F(AudienceGateTest, APermanentSuppressionIsNotShortened) {
  Suppress(a_, "manual");
  ASSERT_OK_AND_ASSIGN(const Suppression kept,
                       suppressions_.CreateSuppression(
                           a_, {kAddress, "complaint", absl::Now() + absl::Hours(1)}, audit_));
  EXPECT_EQ(kept.reason, "manual");
  EXPECT_EQ(kept.expire_time, absl::nullopt);
}

// Stops that race with the beginning of attempts.
class StopRaceTest : public AudienceGateTest {
 protected:
  // Stops emails by cancellation, by the unsubscribe of an address or user, or (which is one
  // transaction for all of them) by bounces, and notes when each was certainly committed.
  void Stop(absl::Span<const NewEmail> emails, int how) {
    std::vector<NewSuppression> bounced;
    for (const NewEmail& email : emails) {
      bool done = true;
      if (how == 0) done = emails_.CancelEmail(a_, email.id).ok();
      if (how == 1) Leave(a_, {email.recipient_normalised, ""});
      if (how == 2) Choose(a_, {"", email.user_id}, "news", false);
      if (how > 2) bounced.push_back({email.recipient_normalised, "hard_bounce", absl::nullopt});
      if (done && how <= 2) NoteStop(email.id);
    }
    if (bounced.empty()) return;
    ASSERT_OK(suppressions_.ImportSuppressions(a_, bounced, audit_));
    for (const NewEmail& email : emails) NoteStop(email.id);
  }
  void NoteStop(EmailId id) {
    stops_.push_back(absl::StrCat("(", id.value, ",", absl::ToUnixMicros(absl::Now()), ")"));
  }

  std::vector<std::string> stops_;
};

TEST_F(AudienceGateTest, ConcurrentCreationsStopAtTheLimitOfCategories) {
  constexpr int kFree = 2;
  constexpr int kThreads = 4;
  constexpr int kEach = 5;
  for (int i = 0; i < kCategoriesMax - 3 - kFree; ++i) {  // the fixture made three
    Declare(a_, absl::StrCat("c", i), /*marketing=*/true, /*default_in=*/true);
  }
  std::atomic<int> created{0}, refused{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < kThreads; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Category category;
        category.key = category.display_name = absl::StrCat("t", t, "-", i);
        const absl::Status status = categories_.CreateCategory(a_, category).status();
        created += status.ok() ? 1 : 0;
        refused += absl::IsResourceExhausted(status) ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(created, kFree);
  EXPECT_EQ(refused, kThreads * kEach - kFree);
  EXPECT_THAT(categories_.ListCategories(a_, /*with_deleted=*/false),
              IsOkAndHolds(SizeIs(kCategoriesMax)));
  // One that is there says so, and a deleted one makes room.
  Category category;
  category.key = category.display_name = "news";
  EXPECT_EQ(categories_.CreateCategory(a_, category).status().code(),
            absl::StatusCode::kAlreadyExists);
  ASSERT_OK(categories_.DeleteCategory(a_, "news"));
  Declare(a_, "another", /*marketing=*/true, /*default_in=*/true);
}

// T24: whoever stops an email races with the claim that would send it. 10,000 rounds in batches of
// 250; in each batch one thread claims and begins while another stops recipient after recipient.
TEST_F(StopRaceTest, NothingBeginsAfterACommittedStop) {
  constexpr int kBatch = 250;
  constexpr int kBatches = 40;
  for (int batch = 0; batch < kBatches; ++batch) {
    std::vector<NewEmail> group;
    for (int i = 0; i < kBatch; ++i) {
      NewEmail email = Of("news", a_);
      email.recipient = email.recipient_normalised =
          absl::StrCat("r", batch, "-", i, "@example.com");
      email.user_id = absl::StrCat("u", batch, "-", i);
      group.push_back(email);
    }
    ASSERT_OK(emails_.AcceptEmails(group));
    std::atomic<bool> stopped{false};
    std::thread deliverer([&] {
      while (true) {
        const bool last = stopped;
        absl::StatusOr<std::vector<LeasedEmail>> claimed =
            queue_.Claim(Lane::kTransactional, 40, absl::Seconds(60), {});
        ASSERT_OK(claimed);
        if (claimed->empty() && last) return;
        std::vector<AttemptStart> starts;
        for (const LeasedEmail& email : *claimed) {
          starts.push_back({email.lease, kAccount, std::string(32, 'd')});
        }
        ASSERT_OK(queue_.BeginAttempts(starts, absl::Seconds(1)));
      }
    });
    // The last ones first, so that the two meet in the middle; ten at a time.
    for (int i = kBatch; i > 0; i -= 10) {
      const absl::Span<const NewEmail> ten =
          absl::MakeConstSpan(group).subspan(static_cast<size_t>(i) - 10, 10);
      Stop(ten, (batch + i / 10) % 8);
    }
    stopped = true;
    deliverer.join();
  }
  Sql("CREATE TABLE stops (email_id bigint, micros bigint)");
  for (size_t i = 0; i < stops_.size(); i += 1000) {
    const auto some = absl::MakeConstSpan(stops_).subspan(i, 1000);
    Sql(absl::StrCat("INSERT INTO stops VALUES ", absl::StrJoin(some, ",")));
  }
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.attempts a JOIN stops s USING (email_id) "
                "WHERE herald.micros(a.begin_time) > s.micros"),
            "0");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.queue WHERE lease_until IS NULL"), "0");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails"), absl::StrCat(kBatch * kBatches));
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails e WHERE state IN (11, 12) AND EXISTS ("
                "SELECT FROM herald.attempts a WHERE a.tenant_id = e.tenant_id "
                "AND a.email_id = e.email_id)"),
            "0");
  EXPECT_NE(Sql("SELECT count(*) FROM herald.attempts"), "0");
  EXPECT_NE(Sql("SELECT count(*) FROM herald.emails WHERE state = 11"), "0");
}

}  // namespace
}  // namespace herald::storage
