#include "storage/postgres/delivery_event_store.h"

#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

class DeliveryEventStoreTest : public EmailFixture {
 protected:
  EmailId AcceptAndSend(const std::string& key) {
    const EmailId id = Accept(key);
    Attempt(Outcome::kAccepted, Sent());
    return id;
  }
  ProviderEvent Bounce(EmailId id, BounceClass bounce, const std::string& event_id) {
    ProviderEvent event = Event(id, EventType::kBounced, event_id);
    event.bounce_class = bounce;
    return event;
  }
  std::string Suppressions() {
    return Sql("SELECT reason, source FROM herald.suppressions ORDER BY 1");
  }
};

TEST_F(DeliveryEventStoreTest, EventsMoveTheStateUp) {
  const EmailId id = AcceptAndSend("key");
  EXPECT_EQ(RecordEvents({Event(id, EventType::kDelivered, "e1")}).recorded, 1);
  EXPECT_EQ(State(id), EmailState::kDelivered);
  RecordEvents({Event(id, EventType::kProviderAccepted, "e2")});
  EXPECT_EQ(State(id), EmailState::kDelivered);
  RecordEvents({Event(id, EventType::kComplained, "e3")});
  EXPECT_EQ(State(id), EmailState::kComplained);
  RecordEvents({Bounce(id, BounceClass::kHard, "e4")});
  EXPECT_EQ(State(id), EmailState::kComplained);
}

TEST_F(DeliveryEventStoreTest, TheHighestOfABatchWins) {
  const EmailId id = AcceptAndSend("key");
  RecordEvents({Event(id, EventType::kDelivered, "e1"), Bounce(id, BounceClass::kSoft, "e2"),
                Event(id, EventType::kProviderAccepted, "e3")});
  EXPECT_EQ(State(id), EmailState::kBounced);
  EXPECT_EQ(Get(id).state_reason, "soft_bounce");
}

TEST_F(DeliveryEventStoreTest, ARepeatedEventIsKeptOnce) {
  const EmailId id = AcceptAndSend("key");
  const ProviderEvent event = Event(id, EventType::kDelivered, "e1");
  const RecordedEvents first = RecordEvents({event, event});
  EXPECT_EQ(first.recorded, 1);
  EXPECT_EQ(first.duplicates, 1);
  const RecordedEvents again = RecordEvents({event});
  EXPECT_EQ(again.recorded, 0);
  EXPECT_EQ(again.duplicates, 1);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.email_events WHERE type = 21"), "1");
}

TEST_F(DeliveryEventStoreTest, TheSameEventIdOfAnotherAccountIsAnotherEvent) {
  const EmailId id = AcceptAndSend("key");
  const ProviderEvent first = Event(id, EventType::kProviderAccepted, "e1");
  ProviderEvent second = Event(id, EventType::kDelivered, "e1");
  second.account = "mailgun-eu";
  EXPECT_EQ(RecordEvents({first, second}).recorded, 2);
  EXPECT_EQ(State(id), EmailState::kDelivered);
  EXPECT_EQ(RecordEvents({first}).duplicates, 1);
  EXPECT_EQ(RecordEvents({second}).duplicates, 1);
  EXPECT_EQ(Sql("SELECT type, account FROM herald.email_events WHERE type IN (20, 21) ORDER BY 1"),
            "20|resend-main\n21|mailgun-eu");
}

TEST_F(DeliveryEventStoreTest, AnEventIdThatLooksLikeAKeyOfHeraldsOwnIsKept) {
  const EmailId id = AcceptAndSend("key");
  ASSERT_EQ(Sql("SELECT event_key FROM herald.email_events"), "1:7");
  EXPECT_EQ(RecordEvents({Event(id, EventType::kDelivered, "1:7")}).recorded, 1);
}

TEST_F(DeliveryEventStoreTest, WhatAReleaseRecordedByTheIdAloneIsADuplicate) {
  const EmailId id = AcceptAndSend("key");
  ProviderEvent event = Event(id, EventType::kDelivered, "e1");
  ASSERT_EQ(RecordEvents({event}).recorded, 1);
  Sql("UPDATE herald.email_events SET event_key = 'e1' WHERE type = 21");
  EXPECT_EQ(RecordEvents({event}).duplicates, 1);
  event.account = "mailgun-eu";
  EXPECT_EQ(RecordEvents({event}).recorded, 1);
}

TEST_F(DeliveryEventStoreTest, WithoutTagsTheMessageIdFindsTheEmail) {
  const EmailId id = AcceptAndSend("key");
  ProviderEvent event = Event(id, EventType::kDelivered, "e1");
  event.tenant = absl::nullopt;
  event.email = absl::nullopt;
  event.provider_message_id = "message-1";
  EXPECT_EQ(RecordEvents({event}).recorded, 1);
  EXPECT_EQ(State(id), EmailState::kDelivered);
}

TEST_F(DeliveryEventStoreTest, AnotherAccountsMessageIdFindsNothing) {
  AcceptAndSend("key");
  ProviderEvent event = Event(EmailId{1}, EventType::kDelivered, "e1");
  event.account = "another";
  event.provider_message_id = "message-1";
  const RecordedEvents recorded = RecordEvents({event});
  EXPECT_EQ(recorded.recorded, 0);
  EXPECT_EQ(recorded.unmatched, 1);
}

TEST_F(DeliveryEventStoreTest, EvidenceConfirmsAnUnconfirmedEmail) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed(absl::Hours(1)));
  RecordEvents({Event(id, EventType::kProviderAccepted, "e1")});
  EXPECT_EQ(State(id), EmailState::kSent);
  EXPECT_EQ(QueueLength(), "0");
}

TEST_F(DeliveryEventStoreTest, WhatHappensOnlyToMailThatWasTakenIsEvidenceToo) {
  for (const EventType type : {EventType::kDeferred, EventType::kOpened, EventType::kClicked}) {
    const std::string key = absl::StrCat("key-", static_cast<int>(type));
    const EmailId id = Accept(key);
    Attempt(Outcome::kUnconfirmed, Unconfirmed(absl::Hours(1)));
    RecordEvents({Event(id, type, "e1")});
    EXPECT_EQ(State(id), EmailState::kSent) << key;
    EXPECT_EQ(QueueLength(), "0");
    RecordEvents({Event(id, EventType::kDelivered, "e2"), Event(id, type, "e3")});
    EXPECT_EQ(State(id), EmailState::kDelivered) << key;
  }
}

TEST_F(DeliveryEventStoreTest, EvidenceOutweighsWhatAnotherAccountSaidSince) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kUnconfirmed, Unconfirmed());
  Attempt(Outcome::kRejected, Failed("invalid_recipient"));
  EXPECT_EQ(State(id), EmailState::kFailed);
  RecordEvents({Event(id, EventType::kDelivered, "e1")});
  EXPECT_EQ(State(id), EmailState::kDelivered);
  EXPECT_EQ(Get(id).state_reason, "");
  EXPECT_EQ(Sql("SELECT state, sum(emails) FROM herald.ledger_deltas GROUP BY 1 "
                "HAVING sum(emails) <> 0"),
            "6|1");
}

TEST_F(DeliveryEventStoreTest, WhatEvidenceShowsAsTakenIsNoLongerDeadAndNotRedriven) {
  const EmailId taken = Accept("1");
  Attempt(Outcome::kUnconfirmed, Dead());
  const EmailId thrown_away = Accept("2");
  Attempt(Outcome::kRetryable, Dead());
  RecordEvents({Event(taken, EventType::kProviderAccepted, "e1"),
                Event(thrown_away, EventType::kRejected, "e2")});
  EXPECT_EQ(State(taken), EmailState::kSent);
  EXPECT_EQ(State(thrown_away), EmailState::kDead);
  EXPECT_FALSE(emails_.RedriveEmail(a_, taken, absl::Hours(1), "token:7").ok());
  EXPECT_EQ(QueueLength(), "0");
}

TEST_F(DeliveryEventStoreTest, AnExpiredEmailThatCameThroughIsDelivered) {
  const EmailId id = Accept("key");
  Attempt(Outcome::kRetryable, Retry(absl::Hours(1)));
  Sql("UPDATE herald.queue SET expire_time = now() - interval '1 s'");
  ASSERT_OK(queue_.ExpireOverdue(10));
  EXPECT_EQ(State(id), EmailState::kExpired);
  RecordEvents({Event(id, EventType::kDelivered, "e1")});
  EXPECT_EQ(State(id), EmailState::kDelivered);
}

TEST_F(DeliveryEventStoreTest, EvidenceRevivesNoEmailThatWasRejectedAlone) {
  const EmailId unknown = Accept("1");
  Attempt(Outcome::kUnconfirmed, Failed("outcome_unknown"));
  const EmailId rejected = Accept("2");
  Attempt(Outcome::kRejected, Failed("invalid_recipient"));
  RecordEvents(
      {Event(unknown, EventType::kDelivered, "e1"), Event(rejected, EventType::kDelivered, "e2")});
  EXPECT_EQ(State(unknown), EmailState::kDelivered);
  EXPECT_EQ(State(rejected), EmailState::kFailed);
}

TEST_F(DeliveryEventStoreTest, AnEventForAnEmailThatWasNeverHandedOverMovesNothing) {
  const EmailId id = Accept("key");
  EXPECT_EQ(RecordEvents({Event(id, EventType::kDelivered, "e1")}).recorded, 1);
  EXPECT_EQ(State(id), EmailState::kQueued);
  EXPECT_EQ(QueueLength(), "1");
}

TEST_F(DeliveryEventStoreTest, AHardBounceSuppressesTheAddress) {
  const EmailId id = AcceptAndSend("key");
  RecordEvents({Bounce(id, BounceClass::kHard, "e1")});
  EXPECT_EQ(Suppressions(), "hard_bounce|resend-main");
  EXPECT_EQ(AcceptOne(Make("next")).state, EmailState::kSuppressed);
}

TEST_F(DeliveryEventStoreTest, ASoftBounceSuppressesNobody) {
  const EmailId id = AcceptAndSend("key");
  RecordEvents({Bounce(id, BounceClass::kSoft, "e1")});
  EXPECT_EQ(Suppressions(), "");
}

TEST_F(DeliveryEventStoreTest, AComplaintOutweighsABounceAndNotTheReverse) {
  const EmailId id = AcceptAndSend("key");
  RecordEvents({Bounce(id, BounceClass::kHard, "e1")});
  RecordEvents({Event(id, EventType::kComplained, "e2")});
  EXPECT_EQ(Suppressions(), "complaint|resend-main");
  RecordEvents({Bounce(id, BounceClass::kHard, "e3")});
  EXPECT_EQ(Suppressions(), "complaint|resend-main");
}

// By its id it is listed as the newest, and exported to those who go on from where they were.
TEST_F(DeliveryEventStoreTest, AComplaintInPlaceOfABounceIsANewSuppression) {
  const EmailId id = AcceptAndSend("key");
  RecordEvents({Bounce(id, BounceClass::kHard, "e1")});
  const std::string bounce = Sql("SELECT suppression_id FROM herald.suppressions");
  RecordEvents({Bounce(id, BounceClass::kHard, "e2")});
  EXPECT_EQ(Sql("SELECT suppression_id FROM herald.suppressions"), bounce);
  RecordEvents({Event(id, EventType::kComplained, "e3")});
  EXPECT_EQ(Sql("SELECT reason FROM herald.suppressions WHERE suppression_id > " + bounce),
            "complaint");
}

TEST_F(DeliveryEventStoreTest, AManualSuppressionStaysAndATemporaryOneGivesWay) {
  const EmailId id = AcceptAndSend("key");
  SuppressRecipientOf(id);
  RecordEvents({Bounce(id, BounceClass::kHard, "e1")});
  EXPECT_EQ(Suppressions(), "manual|test");
  Sql("UPDATE herald.suppressions SET expire_time = now() + interval '1 day'");
  RecordEvents({Bounce(id, BounceClass::kHard, "e2")});
  EXPECT_EQ(Suppressions(), "hard_bounce|resend-main");
}

}  // namespace
}  // namespace herald::storage
