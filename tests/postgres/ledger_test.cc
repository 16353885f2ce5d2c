// The ledger agrees with the rows, whoever changes an email.
#include "storage/postgres/queue_maintenance.h"
#include "storage/postgres/tenant_store.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class LedgerTest : public EmailFixture {
 protected:
  // Of the one lane the tests use.
  LaneLedger Ledger() {
    const auto ledgers = tenants_.GetLedger(a_);
    EXPECT_OK(ledgers);
    if (!ledgers.ok() || ledgers->size() != 1) return {};
    return ledgers->at(0);
  }
  QueueMaintenance::Fold Fold(int limit = 1000) {
    const auto fold = maintenance_.FoldLedger(limit);
    EXPECT_OK(fold);
    return fold.value_or(QueueMaintenance::Fold());
  }
  // What the ledger and the rows disagree about.
  std::string Faults() {
    return Sql(
        "SELECT * FROM (SELECT tenant_id, lane, state, sum(emails) FROM (SELECT * FROM "
        "herald.ledger UNION ALL SELECT * FROM herald.ledger_deltas) l GROUP BY 1, 2, 3 "
        "HAVING sum(emails) <> 0) l EXCEPT SELECT tenant_id, lane, state, count(*) FROM "
        "herald.emails GROUP BY 1, 2, 3");
  }

  PostgresTenantStore tenants_{database_.pool(), keys_};
  PostgresQueueMaintenance maintenance_{database_.pool(), database_.pool()};
};

TEST_F(LedgerTest, CountsEveryWayAnEmailCanGo) {
  Accept("sent");
  Attempt(Outcome::kAccepted, Sent());
  Accept("failed");
  Attempt(Outcome::kRejected, Failed("invalid_recipient"));
  Accept("dead");
  Attempt(Outcome::kRetryable, Dead());
  const EmailId cancelled = Accept("cancelled");
  ASSERT_OK(emails_.CancelEmail(a_, cancelled));
  Accept("expired");
  Sql("UPDATE herald.queue SET expire_time = now() - interval '1 s'");
  ASSERT_OK(queue_.ExpireOverdue(10));
  Accept("poison");
  ClaimOne();
  ExpireLeases();
  ASSERT_OK(queue_.RescueExpired(10, 1));
  Accept("unconfirmed");
  Attempt(Outcome::kUnconfirmed, Unconfirmed(absl::Hours(1)));
  const EmailId stopped = Accept("stopped");
  const LeasedEmail leased = ClaimOne();
  SuppressRecipientOf(stopped);
  TryBegin(leased.lease);
  EXPECT_EQ(AcceptOne(Make("suppressed")).state, EmailState::kSuppressed);

  const LaneLedger ledger = Ledger();
  EXPECT_EQ(ledger.accepted, 9);
  EXPECT_EQ(ledger.sent, 1);
  EXPECT_EQ(ledger.failed, 1);
  EXPECT_EQ(ledger.dead, 2);
  EXPECT_EQ(ledger.cancelled, 1);
  EXPECT_EQ(ledger.expired, 1);
  EXPECT_EQ(ledger.pending, 1);
  EXPECT_EQ(ledger.suppressed, 2);
  EXPECT_EQ(Faults(), "");
}

TEST_F(LedgerTest, EvidenceAndRedrivesMoveWhatWasCounted) {
  const EmailId unconfirmed = Accept("unconfirmed");
  Attempt(Outcome::kUnconfirmed, Unconfirmed(absl::Hours(1)));
  RecordEvents({Event(unconfirmed, EventType::kDelivered, "e1")});
  Accept("dead");
  Attempt(Outcome::kRetryable, Dead());
  EmailQuery all;
  all.limit = 10;
  ASSERT_OK(emails_.RedriveEmails(a_, all, absl::Hours(1), "operator"));
  const LaneLedger ledger = Ledger();
  EXPECT_EQ(ledger.accepted, 2);
  EXPECT_EQ(ledger.sent, 1);
  EXPECT_EQ(ledger.dead, 0);
  EXPECT_EQ(ledger.pending, 1);
  EXPECT_EQ(Faults(), "");
}

TEST_F(LedgerTest, FoldingChangesNothingButWhereItIsWritten) {
  Accept("1");
  Accept(Make("other tenant", b_));
  Attempt(Outcome::kAccepted, Sent());
  const LaneLedger before = Ledger();
  EXPECT_GT(Fold().deltas, 0);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.ledger_deltas"), "0");
  EXPECT_EQ(Ledger().accepted, before.accepted);
  EXPECT_EQ(Ledger().sent, before.sent);
  EXPECT_EQ(Faults(), "");
  EXPECT_EQ(Fold().deltas, 0);
}

TEST_F(LedgerTest, AFoldSaysOnceWhatCameToAnEnd) {
  const EmailId id = Accept("sent");
  Attempt(Outcome::kAccepted, Sent());
  const EmailId cancelled = Accept("cancelled");
  ASSERT_OK(emails_.CancelEmail(a_, cancelled));
  const std::vector<FinishedEmails> finished = Fold().finished;
  ASSERT_THAT(finished, SizeIs(2));
  EXPECT_EQ(finished[0].state, EmailState::kCancelled);
  EXPECT_EQ(finished[0].emails, 1);
  EXPECT_EQ(finished[1].state, EmailState::kSent);
  EXPECT_EQ(finished[1].emails, 1);
  RecordEvents({Event(id, EventType::kDelivered, "e1")});
  EXPECT_THAT(Fold().finished, IsEmpty()) << "it was SENT before";
}

TEST_F(LedgerTest, ALimitedFoldLeavesTheRestForTheNext) {
  for (const char* key : {"1", "2", "3"}) Accept(key);
  EXPECT_EQ(Fold(2).deltas, 2);
  EXPECT_EQ(Ledger().accepted, 3);
  EXPECT_EQ(Fold(2).deltas, 1);
  EXPECT_EQ(Ledger().accepted, 3);
}

TEST_F(LedgerTest, ARolledBackChangeIsNotCounted) {
  Accept("kept");
  Sql("BEGIN; UPDATE herald.emails SET state = 10; ROLLBACK");
  EXPECT_EQ(Ledger().pending, 1);
  EXPECT_EQ(Ledger().dead, 0);
}

TEST_F(LedgerTest, ATenantThatIsNotThereHasNone) {
  EXPECT_EQ(tenants_.GetLedger(TenantId{999}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LedgerTest, OneTenantSeesNothingOfAnother) {
  Accept(Make("theirs", b_));
  const auto ledgers = tenants_.GetLedger(a_);
  ASSERT_OK(ledgers);
  EXPECT_THAT(*ledgers, IsEmpty());
}

}  // namespace
}  // namespace herald::storage
