#include "storage/postgres/history.h"

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "storage/postgres/tenant_store.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

class HistoryTest : public EmailFixture {
 protected:
  EmailId AcceptAged(const std::string& key, absl::Duration age) {
    return AcceptAged(key, age, a_);
  }
  EmailId AcceptAged(const std::string& key, absl::Duration age, TenantId tenant) {
    NewEmail email = Make(key, tenant);
    email.create_time -= age;
    email.id = FirstEmailIdAt(email.create_time);
    email.key_expire_time = absl::Now() - age + absl::Hours(24);
    return Accept(email);
  }
  // As if that had been when the email was accepted.
  void End(Outcome outcome, Disposition disposition) {
    Attempt(outcome, std::move(disposition));
    Sql("UPDATE herald.emails SET update_time = create_time");
  }
  void Prune() {
    for (bool more = true; more;) {
      ASSERT_OK_AND_ASSIGN(more, history_.Prune(retention_));
    }
  }
  // The fixture has two tenants; the round after them begins anew.
  void PruneAll() {
    for (int round = 0; round < 3; ++round) Prune();
  }
  std::string Count(const std::string& table) {
    return Sql(absl::StrCat("SELECT count(*) FROM herald.", table));
  }

  const Retention retention_{absl::Hours(48), absl::Hours(24)};
  PostgresHistory history_{database_.pool()};
};

TEST_F(HistoryTest, AFinishedEmailGoesWithAllThatBelongsToIt) {
  const EmailId old = AcceptAged("old", absl::Hours(72));
  End(Outcome::kAccepted, Sent());
  const EmailId fresh = Accept("fresh");
  End(Outcome::kAccepted, Sent());
  PruneAll();
  EXPECT_EQ(Sql("SELECT email_id FROM herald.emails"), absl::StrCat(fresh.value));
  EXPECT_NE(old, fresh);
  for (const char* table : {"email_contents", "attempts", "email_events"}) {
    EXPECT_EQ(Count(table), "1") << table;
  }
}

// Accepted and scheduled long before: its provider tells of it in the days to come.
TEST_F(HistoryTest, AnEmailSentAMomentAgoStaysHoweverLongAgoItWasAccepted) {
  const EmailId id = AcceptAged("scheduled", absl::Hours(24 * 100));
  Attempt(Outcome::kAccepted, Sent());
  PruneAll();
  EXPECT_EQ(Count("email_contents"), "1");
  ProviderEvent bounce = Event(id, EventType::kBounced, "bounce");
  bounce.bounce_class = BounceClass::kHard;
  EXPECT_EQ(RecordEvents({bounce}).recorded, 1);
  EXPECT_EQ(Sql("SELECT reason FROM herald.suppressions"), "hard_bounce");

  Sql("UPDATE herald.emails SET update_time = now() - interval '30 hours'");
  PruneAll();
  EXPECT_EQ(Count("emails"), "1");
  EXPECT_EQ(Count("email_contents"), "0") << "kept for a day";
  Sql("UPDATE herald.emails SET update_time = now() - interval '50 hours'");
  PruneAll();
  EXPECT_EQ(Count("emails"), "0");
}

TEST_F(HistoryTest, AnEmailStaysUntilLongAfterItsSendTime) {
  AcceptAged("scheduled", absl::Hours(24 * 100));
  End(Outcome::kAccepted, Sent());
  Sql("UPDATE herald.emails SET send_time = now() - interval '1 minute'");
  PruneAll();
  EXPECT_EQ(Count("emails"), "1");
  EXPECT_EQ(Count("email_contents"), "1");
  Sql("UPDATE herald.emails SET send_time = now() - interval '50 hours'");
  PruneAll();
  EXPECT_EQ(Count("emails"), "0");
}

TEST_F(HistoryTest, WhatAChunkDidGoesWithTheLastOfItsMembers) {
  const EmailId old = AcceptAged("old", absl::Hours(72));
  End(Outcome::kAccepted, Sent());
  const EmailId fresh = Accept("fresh");
  End(Outcome::kAccepted, Sent());
  Sql(absl::StrCat(
      "INSERT INTO herald.chunk_attempts (tenant_id, chunk_id, attempt, begin_time, ",
      "lease_token, account, request_key, request_digest, email_ids) SELECT tenant_id, ", old.value,
      ", 1, now(), 1, 'x', 'x', '', '{", old.value, ",", fresh.value,
      "}' FROM herald.emails WHERE email_id = ", old.value));
  PruneAll();
  EXPECT_EQ(Count("chunk_attempts"), "1") << "a member is still there";
  Sql(absl::StrCat("DELETE FROM herald.emails WHERE email_id = ", fresh.value));
  PruneAll();
  EXPECT_EQ(Count("chunk_attempts"), "0");
}

TEST_F(HistoryTest, AnEmailThatIsNotFinishedStaysHoweverOldItIs) {
  const EmailId id = AcceptAged("waiting", absl::Hours(24 * 400));
  PruneAll();
  EXPECT_EQ(State(id), EmailState::kQueued);
  EXPECT_EQ(Count("email_contents"), "1");
}

TEST_F(HistoryTest, AnEmailStaysForAsLongAsItsKeyAnswersWithIt) {
  NewEmail email = Make("kept");
  email.create_time -= absl::Hours(72);
  email.id = FirstEmailIdAt(email.create_time);
  Accept(email);
  End(Outcome::kAccepted, Sent());
  PruneAll();
  const AcceptResult replay = AcceptOne(Make("kept"));
  EXPECT_EQ(replay.kind, AcceptResult::Kind::kReplayed);
  ASSERT_NE(replay.existing, nullptr);
  EXPECT_EQ(replay.existing->id, email.id);
  Sql("UPDATE herald.idempotency_keys SET expire_time = now() - interval '1 second'");
  PruneAll();
  EXPECT_EQ(Count("emails"), "0");
}

// As of releases that deleted emails before their keys.
TEST_F(HistoryTest, AKeyWhoseEmailIsGoneIsAReplayOfNothing) {
  Accept("key");
  End(Outcome::kAccepted, Sent());
  Sql("DELETE FROM herald.emails");
  const AcceptResult replay = AcceptOne(Make("key"));
  EXPECT_EQ(replay.kind, AcceptResult::Kind::kReplayed);
  EXPECT_EQ(replay.existing, nullptr);
}

TEST_F(HistoryTest, ATenantThatCannotBePrunedHoldsUpNobodyElse) {
  AcceptAged("of-a", absl::Hours(72), a_);
  End(Outcome::kAccepted, Sent());
  AcceptAged("of-b", absl::Hours(72), b_);
  End(Outcome::kAccepted, Sent());
  pqxx::connection other(database_.dsn());
  pqxx::work holder(other);
  holder.exec(absl::StrCat("SELECT FROM herald.email_contents WHERE tenant_id = ", a_.value,
                           " FOR UPDATE"));
  EXPECT_THAT(history_.Prune(retention_), support::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_OK(history_.Prune(retention_));
  EXPECT_EQ(Sql("SELECT tenant_id FROM herald.emails"), absl::StrCat(a_.value));
  holder.abort();
  PruneAll();
  EXPECT_EQ(Count("emails"), "0");
}

TEST_F(HistoryTest, AHundredYearsKeepEverything) {
  Accept("key");
  End(Outcome::kAccepted, Sent());
  const Retention century{absl::Hours(24 * 36525), absl::Hours(24 * 36525)};
  for (int round = 0; round < 3; ++round) {
    ASSERT_OK_AND_ASSIGN(const bool more, history_.Prune(century));
    EXPECT_FALSE(more);
  }
  EXPECT_EQ(Count("emails"), "1");
  EXPECT_EQ(Count("email_contents"), "1");
}

TEST_F(HistoryTest, ContentsGoEarlierButNotOfDeadEmails) {
  AcceptAged("sent", absl::Hours(30));
  End(Outcome::kAccepted, Sent());
  const EmailId dead = AcceptAged("dead", absl::Hours(31));
  End(Outcome::kRetryable, Dead());
  PruneAll();
  EXPECT_EQ(Count("emails"), "2");
  EXPECT_EQ(Sql("SELECT email_id FROM herald.email_contents"), absl::StrCat(dead.value));
}

TEST_F(HistoryTest, TheLedgerStillCountsWhatWasDeleted) {
  AcceptAged("old", absl::Hours(72));
  End(Outcome::kAccepted, Sent());
  PruneAll();
  TenantKeys& keys = keys_;
  PostgresTenantStore tenants(database_.pool(), keys);
  ASSERT_OK_AND_ASSIGN(const auto ledgers, tenants.GetLedger(a_));
  ASSERT_EQ(ledgers.size(), 1u);
  EXPECT_EQ(ledgers[0].accepted, 1);
  EXPECT_EQ(ledgers[0].sent, 1);
}

}  // namespace
}  // namespace herald::storage
