#include "tests/postgres/email_fixture.h"

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr char kMasterKeys[] = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

TenantId CreateTenant(TestDatabase& database, TenantKeys& keys, const std::string& slug) {
  TenantId id;
  if (!absl::SimpleAtoi(
          database.Psql(absl::StrCat("INSERT INTO herald.tenants (slug, display_name, "
                                     "sender_domains) VALUES ('",
                                     slug, "', '", slug, "', '{}') RETURNING tenant_id")),
          &id.value)) {
    std::abort();
  }
  const absl::Status status =
      RunTransaction(database.pool(), {.role = DatabaseRole::kEngine, .name = "create_keys"},
                     [&](Transaction& transaction) {
                       keys.Create(transaction, id);
                       return absl::OkStatus();
                     });
  if (!status.ok()) std::abort();
  return id;
}

}  // namespace

Disposition Sent() { return {.kind = Disposition::Kind::kSent, .delay = {}, .reason = ""}; }
Disposition Retry(absl::Duration delay) {
  return {.kind = Disposition::Kind::kRetry, .delay = delay, .reason = "refused"};
}
Disposition Unconfirmed(absl::Duration delay) {
  return {.kind = Disposition::Kind::kUnconfirmed, .delay = delay, .reason = "timeout"};
}
Disposition Failed(const std::string& reason) {
  return {.kind = Disposition::Kind::kFailed, .delay = {}, .reason = reason};
}
Disposition Dead() {
  return {.kind = Disposition::Kind::kDead, .delay = {}, .reason = "attempts_exhausted"};
}

EmailFixture::EmailFixture(int max_connections)
    : database_(max_connections),
      master_(*MasterKeys::Parse(kMasterKeys)),
      keys_(database_.pool(), master_),
      emails_(database_.pool(), keys_),
      queue_(database_.pool(), keys_),
      events_(database_.pool()),
      ids_(1),
      a_(CreateTenant(database_, keys_, "a")),
      b_(CreateTenant(database_, keys_, "b")) {}

NewEmail EmailFixture::Make(const std::string& key, TenantId tenant) {
  NewEmail email;
  email.tenant = tenant;
  email.create_time = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  email.id = ids_.Next(email.create_time);
  email.idempotency_key = key;
  email.request_hash = std::string(32, 'h');
  email.category = "order_updates";
  email.recipient = "Anna@example.com";
  email.recipient_normalised = "anna@example.com";
  email.user_id = "user-1";
  email.from_address = "shop@example.org";
  email.from_name = "Shöp \"one\"";
  email.content = std::string("content\0of ", 11) + key;
  email.metadata = {{"order", "1"}};
  email.expire_time = email.create_time + absl::Hours(24);
  email.key_expire_time = email.create_time + absl::Hours(72);
  email.traceparent = "00-1-2-01";
  return email;
}

AcceptResult EmailFixture::AcceptOne(const NewEmail& email) {
  absl::StatusOr<std::vector<AcceptResult>> results = emails_.AcceptEmails({email});
  EXPECT_OK(results);
  return results.ok() ? results->at(0) : AcceptResult();
}

EmailId EmailFixture::Accept(const NewEmail& email) {
  const AcceptResult result = AcceptOne(email);
  EXPECT_EQ(result.kind, AcceptResult::Kind::kAccepted) << result.error;
  return email.id;
}

LeasedEmail EmailFixture::ClaimOne() {
  absl::StatusOr<std::vector<LeasedEmail>> claimed =
      queue_.Claim(Lane::kTransactional, 1, absl::Seconds(60), {});
  EXPECT_OK(claimed);
  if (!claimed.ok() || claimed->size() != 1) {
    ADD_FAILURE() << "nothing is due";
    return {};
  }
  EXPECT_OK(claimed->at(0).opened);
  return claimed->at(0);
}

BeginResult EmailFixture::TryBegin(const Lease& lease, absl::Duration time_needed) {
  const AttemptStart start{
      .lease = lease, .account = kAccount, .request_digest = std::string(32, 'd')};
  absl::StatusOr<std::vector<BeginResult>> begun = queue_.BeginAttempts({start}, time_needed);
  EXPECT_OK(begun);
  return begun.ok() ? begun->at(0) : BeginResult();
}

AttemptEnd EmailFixture::Begin(const LeasedEmail& email) {
  const BeginResult begun = TryBegin(email.lease);
  EXPECT_EQ(begun.verdict, BeginResult::Verdict::kBegun);
  AttemptEnd end;
  end.lease = email.lease;
  end.attempt = begun.attempt;
  end.outcome = Outcome::kAccepted;
  end.account = kAccount;
  end.request_digest = std::string(32, 'd');
  end.disposition = Sent();
  return end;
}

bool EmailFixture::Record(const AttemptEnd& end) {
  absl::StatusOr<std::vector<bool>> recorded = queue_.RecordEnds({end});
  EXPECT_OK(recorded);
  return recorded.ok() && recorded->at(0);
}

bool EmailFixture::EndUntried(const LeasedEmail& email, Disposition disposition) {
  AttemptEnd end;
  end.lease = email.lease;
  end.disposition = std::move(disposition);
  return Record(end);
}

void EmailFixture::Attempt(Outcome outcome, Disposition disposition) {
  AttemptEnd end = Begin(ClaimOne());
  end.outcome = outcome;
  end.disposition = std::move(disposition);
  if (outcome == Outcome::kAccepted) end.provider_message_id = "message-1";
  EXPECT_TRUE(Record(end));
}

ProviderEvent EmailFixture::Event(EmailId id, EventType type, const std::string& event_id) {
  ProviderEvent event;
  event.account = kAccount;
  event.provider_event_id = event_id;
  event.type = type;
  event.event_time = absl::Now();
  event.tenant = a_;
  event.email = id;
  return event;
}

RecordedEvents EmailFixture::RecordEvents(const std::vector<ProviderEvent>& events) {
  absl::StatusOr<RecordedEvents> recorded = events_.RecordEvents(events);
  EXPECT_OK(recorded);
  return recorded.ok() ? *recorded : RecordedEvents();
}

EmailRecord EmailFixture::Get(TenantId tenant, EmailId id) {
  absl::StatusOr<EmailRecord> record = emails_.GetEmail(tenant, id);
  EXPECT_OK(record);
  return record.ok() ? *record : EmailRecord();
}

std::vector<EventType> EmailFixture::Timeline(EmailId id) {
  std::vector<EventType> types;
  absl::StatusOr<std::vector<EmailEventRow>> events = emails_.ListEvents(a_, id);
  EXPECT_OK(events);
  if (!events.ok()) return types;
  for (const EmailEventRow& event : *events) types.push_back(event.type);
  return types;
}

void EmailFixture::ExpireLeases() {
  Sql("UPDATE herald.queue SET lease_until = now() - interval '1 second' "
      "WHERE lease_until IS NOT NULL");
}

void EmailFixture::SuppressRecipientOf(EmailId id) {
  Sql(
      absl::StrCat("INSERT INTO herald.suppressions (tenant_id, address_hash, reason, source) "
                   "SELECT tenant_id, recipient_hash, 'manual', 'test' FROM herald.emails "
                   "WHERE email_id = ",
                   id.value));
}

}  // namespace herald::storage
