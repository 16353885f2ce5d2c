// Who gets what: the gate at acceptance and, for what was queued before, at the beginning of an
// attempt. Both must say the same.

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "storage/postgres/category_store.h"
#include "storage/postgres/contact_store.h"
#include "storage/postgres/preference_store.h"
#include "storage/postgres/suppression_store.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Verdict = BeginResult::Verdict;

constexpr char kAddress[] = "anna@example.com";
constexpr char kUser[] = "user-1";

class AudienceGateTest : public EmailFixture {
 protected:
  AudienceGateTest() {
    Declare(a_, "news", /*marketing=*/true, /*default_in=*/true);
    Declare(a_, "tips", /*marketing=*/true, /*default_in=*/false);
    Declare(a_, "orders", /*marketing=*/false, /*default_in=*/true);
    Declare(b_, "news", /*marketing=*/true, /*default_in=*/true);
  }

  void Declare(TenantId tenant, const std::string& key, bool marketing, bool default_in) {
    Category category;
    category.key = key;
    category.display_name = key;
    category.marketing = marketing;
    category.default_in = default_in;
    ASSERT_OK(categories_.CreateCategory(tenant, category));
  }
  void Suppress(SuppressionScope scope, const std::string& reason,
                absl::optional<absl::Time> expire_time = absl::nullopt) {
    ASSERT_OK(suppressions_.CreateSuppression(scope, {kAddress, reason, expire_time}, audit_));
  }
  // Suppresses another address than kAddress; the suppression's id.
  int64_t SuppressAnother(SuppressionScope scope) {
    absl::StatusOr<Suppression> another = suppressions_.CreateSuppression(
        scope, {"other@example.com", "manual", absl::nullopt}, audit_);
    EXPECT_OK(another);
    return another->id;
  }
  // Of those that an export gives that goes on after `id`.
  std::vector<std::string> AddressesAfter(SuppressionScope scope, int64_t id) {
    SuppressionQuery query;
    query.after_id = id;
    absl::StatusOr<std::vector<Suppression>> rows = suppressions_.ListSuppressions(scope, query);
    EXPECT_OK(rows);
    std::vector<std::string> addresses;
    for (const Suppression& row : *rows) addresses.push_back(row.address);
    return addresses;
  }
  void Choose(TenantId tenant, const PreferenceSubject& subject, const std::string& category,
              absl::optional<bool> opted_in) {
    PreferenceChange change;
    change.categories = {{category, opted_in}};
    ASSERT_OK(preferences_.SetPreferences(tenant, subject, change, audit_));
  }
  void Leave(TenantId tenant, const PreferenceSubject& subject, bool unsubscribed = true) {
    PreferenceChange change;
    change.unsubscribed = unsubscribed;
    ASSERT_OK(preferences_.SetPreferences(tenant, subject, change, audit_));
  }
  // A contact with kAddress.
  NewContact Contact(absl::optional<ContactState> state) {
    NewContact contact;
    contact.id = contact_ids_.Next(absl::Now());
    contact.email = contact.email_normalised = kAddress;
    contact.state = state;
    return contact;
  }
  ContactState StateOf(const ContactRecord& contact) {
    absl::StatusOr<ContactRecord> now = contacts_.Get(a_, contact.id);
    EXPECT_OK(now);
    return now->state;
  }
  NewEmail Of(const std::string& category, TenantId tenant) {
    NewEmail email = Make(absl::StrCat("gate-", ++emails_made_), tenant);
    email.category = category;
    return email;
  }
  // Queues one email of each category, to be claimed by Stops.
  void QueueAll() {
    for (const char* category : kCategories) queued_.push_back(Accept(Of(category, a_)));
  }
  // Why each of kCategories is stopped at acceptance; empty: it is queued. Checks that those queued
  // before are stopped alike when their attempts would begin.
  std::vector<std::string> Stops() {
    std::vector<std::string> reasons;
    for (const char* category : kCategories) {
      reasons.push_back(AcceptOne(Of(category, a_)).state_reason);
    }
    absl::StatusOr<std::vector<LeasedEmail>> claimed =
        queue_.Claim(Lane::kTransactional, 100, absl::Seconds(60), {});
    EXPECT_OK(claimed);
    for (const LeasedEmail& email : *claimed) TryBegin(email.lease);
    for (size_t i = 0; i < queued_.size(); ++i) {
      const EmailRecord record = Get(queued_[i]);
      EXPECT_EQ(record.state_reason, reasons[i]) << kCategories[i];
      EXPECT_EQ(record.state, reasons[i].empty() ? EmailState::kSending : EmailState::kSuppressed);
    }
    return reasons;
  }

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
  static constexpr const char* kCategories[] = {"news", "tips", "orders", "undeclared"};
  PostgresCategoryStore categories_{database_.pool()};
  PostgresSuppressionStore suppressions_{database_.pool(), keys_};
  PostgresPreferenceStore preferences_{database_.pool(), keys_};
  PostgresContactStore contacts_{database_.pool(), keys_};
  ContactIdGenerator contact_ids_{1};
  AuditEntry audit_{absl::nullopt, "tester", "test/Act", "target", {}};
  std::vector<EmailId> queued_;
  int emails_made_ = 0;
};

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

TEST_F(AudienceGateTest, AContactThatIsUnsubscribedGetsTransactionalMail) {
  Choose(a_, {kAddress, ""}, "tips", true);
  QueueAll();
  ASSERT_OK(contacts_.Upsert(a_, {Contact(ContactState::kUnsubscribed)}));
  EXPECT_THAT(Stops(), ElementsAre("unsubscribe", "unsubscribe", "", ""));
  EXPECT_EQ(AcceptOne(Of("news", b_)).state_reason, "");  // not the other tenant's contact
}

TEST_F(AudienceGateTest, AContactThatIsSubscribedAgainOrDeletedStopsNothing) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact,
                       contacts_.Create(a_, Contact(ContactState::kUnsubscribed)));
  ContactChange change;
  change.state = ContactState::kSubscribed;
  ASSERT_OK(contacts_.Update(a_, contact.id, change));
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
  change.state = ContactState::kUnsubscribed;
  ASSERT_OK(contacts_.Update(a_, contact.id, change));
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "unsubscribe");
  ASSERT_OK(contacts_.Delete(a_, contact.id));
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
}

TEST_F(AudienceGateTest, AContactFollowsItsOwnerOutOfMarketingAndBack) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact, contacts_.Create(a_, Contact(absl::nullopt)));
  UnsubscribeAct act;
  act.tenant = a_;
  act.email = EmailId{1};  // long pruned
  act.address = kAddress;
  act.change.unsubscribed = true;
  ASSERT_OK(preferences_.Unsubscribe(act));
  EXPECT_EQ(StateOf(contact), ContactState::kUnsubscribed);
  act.change.unsubscribed = false;
  ASSERT_OK_AND_ASSIGN(const Preferences back, preferences_.Unsubscribe(act));
  EXPECT_FALSE(back.unsubscribed);
  EXPECT_EQ(StateOf(contact), ContactState::kSubscribed);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
}

TEST_F(AudienceGateTest, LiftingAnUnsubscribeBringsItsContactBack) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact, contacts_.Create(a_, Contact(absl::nullopt)));
  Leave(a_, {kAddress, ""});
  Suppress(a_, "manual");
  ASSERT_OK(suppressions_.DeleteSuppression(a_, kAddress, SuppressionKind::kAllMail, audit_));
  EXPECT_EQ(StateOf(contact), ContactState::kUnsubscribed);
  ASSERT_OK(suppressions_.DeleteSuppression(a_, kAddress, SuppressionKind::kMarketing, audit_));
  EXPECT_EQ(StateOf(contact), ContactState::kSubscribed);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
}

TEST_F(AudienceGateTest, ThePreferencesOfAnUnsubscribedContactSayThatItHasLeft) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact,
                       contacts_.Create(a_, Contact(ContactState::kUnsubscribed)));
  ASSERT_OK_AND_ASSIGN(const Preferences left, preferences_.GetPreferences(a_, {kAddress, ""}));
  EXPECT_TRUE(left.unsubscribed);
  Leave(a_, {kAddress, ""}, /*unsubscribed=*/false);
  EXPECT_EQ(StateOf(contact), ContactState::kSubscribed);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.audit_entries WHERE action = 'test/Act'"), "1");
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

// T24: whoever stops an email races with the claim that would send it. 10,000 rounds in batches of
// 250; in each batch one thread claims and begins while another stops recipient after recipient.
TEST_F(AudienceGateTest, NothingBeginsAfterACommittedStop) {
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
