#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/postgres/delivery_event_store.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/tenant_keys.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {

// The three stores over a database with two tenants.
class EmailFixture : public ::testing::Test {
 protected:
  explicit EmailFixture(int max_connections = 8);

  // A valid email; its content follows from its key.
  NewEmail Make(const std::string& key, TenantId tenant);
  NewEmail Make(const std::string& key) { return Make(key, a_); }
  // Accepts one that must be new; its id.
  EmailId Accept(const NewEmail& email);
  EmailId Accept(const std::string& key) { return Accept(Make(key)); }
  AcceptResult AcceptOne(const NewEmail& email);

  // Claims the one email that is due.
  LeasedEmail ClaimOne();
  // Begins an attempt that must begin.
  AttemptEnd Begin(const LeasedEmail& email);
  // What BeginAttempts says of one.
  BeginResult TryBegin(const Lease& lease, absl::Duration time_needed = absl::Seconds(1));
  bool Record(const AttemptEnd& end);
  // Records an end without a hand-over.
  bool EndUntried(const LeasedEmail& email, Disposition disposition);
  // Claim, begin, record.
  void Attempt(Outcome outcome, Disposition disposition);

  ProviderEvent Event(EmailId id, EventType type, const std::string& event_id);
  RecordedEvents RecordEvents(const std::vector<ProviderEvent>& events);

  EmailRecord Get(EmailId id) { return Get(a_, id); }
  EmailRecord Get(TenantId tenant, EmailId id);
  EmailState State(EmailId id) { return Get(id).state; }
  // The timeline's types, in order.
  std::vector<EventType> Timeline(EmailId id);
  std::string Sql(const std::string& sql) { return database_.Psql(sql); }
  std::string QueueLength() { return Sql("SELECT count(*) FROM herald.queue"); }
  // Every live lease is over.
  void ExpireLeases();
  void SuppressRecipientOf(EmailId id);

  TestDatabase database_;
  MasterKeys master_;
  TenantKeys keys_;
  PostgresEmailStore emails_;
  PostgresQueueStore queue_;
  PostgresDeliveryEventStore events_;
  EmailIdGenerator ids_;
  TenantId a_;
  TenantId b_;
};

inline constexpr char kAccount[] = "resend-main";

// Dispositions.
Disposition Sent();
Disposition Retry(absl::Duration delay = absl::ZeroDuration());
Disposition Unconfirmed(absl::Duration delay = absl::ZeroDuration());
Disposition Failed(const std::string& reason);
Disposition Dead();

}  // namespace herald::storage
