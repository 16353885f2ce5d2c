#include "storage/postgres/email_rows.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/metadata_json.h"
#include "storage/postgres/queue_store_sql.h"

namespace herald::storage {
namespace {

enum RecordColumn : pqxx::row::size_type {
  kTenant,
  kEmail,
  kState,
  kStateReason,
  kLane,
  kCategory,
  kTemplateKey,
  kTemplateVersion,
  kRecipientSealed,
  kUserId,
  kFromAddress,
  kFromName,
  kIdempotencyKey,
  kMetadata,
  kCreateTime,
  kUpdateTime,
  kSendTime,
  kExpireTime,
  kTest,
  kTraceparent,
  kAttemptCount,
  kAccount,
  kMessageId,
};

}  // namespace

const char kRecordSelect[] = R"sql(
SELECT e.tenant_id, e.email_id, v.state, e.state_reason, e.lane, e.category, e.template_key,
       e.template_version, e.recipient_sealed, e.user_id, e.from_address, e.from_name,
       e.idempotency_key, e.metadata, herald.micros(e.create_time), herald.micros(e.update_time),
       herald.micros(e.send_time), herald.micros(e.expire_time), e.test, e.traceparent,
       coalesce(a.attempt, 0), coalesce(a.account, ''), coalesce(a.provider_message_id, '')
FROM herald.emails e
LEFT JOIN LATERAL (
  SELECT l.attempt, l.account, l.provider_message_id, l.outcome FROM herald.email_attempts l
  WHERE l.tenant_id = e.tenant_id AND l.email_id = e.email_id
  ORDER BY l.attempt DESC LIMIT 1) a ON true
CROSS JOIN LATERAL (
  SELECT CASE WHEN e.state IN (1, 2, 4) AND a.attempt IS NOT NULL AND a.outcome IS NULL THEN 3
              WHEN e.state = 1 AND e.send_time <= now() THEN 2
              ELSE e.state END AS state) v
)sql";

namespace {

using CipherPtr = std::shared_ptr<const TenantCipher>;

// Whatever keeps keys from being fetched passes: the database, or a master key that this process
// has not been given yet. Only what is wrong with the keys themselves stays so.
absl::StatusOr<CipherPtr> FetchKeys(TenantKeys& keys, TenantId tenant) {
  absl::StatusOr<CipherPtr> cipher = keys.For(tenant);
  const absl::Status& status = cipher.status();
  if (status.ok() || absl::IsNotFound(status) || absl::IsDataLoss(status)) return cipher;
  return absl::UnavailableError(status.message());
}

}  // namespace

absl::StatusOr<std::string> OpenField(TenantKeys& keys, TenantId tenant, EmailId email,
                                      absl::string_view field, absl::string_view sealed) {
  absl::StatusOr<CipherPtr> cipher = FetchKeys(keys, tenant);
  if (!cipher.ok()) return cipher.status();
  absl::StatusOr<std::string> opened = (*cipher)->Open(field, email.value, sealed);
  if (!absl::IsNotFound(opened.status())) return opened;
  keys.Forget(tenant);  // its key may be newer than what was loaded
  cipher = FetchKeys(keys, tenant);
  if (!cipher.ok()) return cipher.status();
  return (*cipher)->Open(field, email.value, sealed);
}

absl::Status OpenLeased(LeasedEmail& email, const pqxx::field& recipient_sealed,
                        const pqxx::field& content_sealed, TenantKeys& keys) {
  const TenantId tenant = email.lease.tenant;
  const EmailId id = email.lease.email;
  if (content_sealed.is_null()) return absl::NotFoundError("the email's content is gone");
  absl::StatusOr<std::string> recipient =
      OpenField(keys, tenant, id, kRecipientField, BytesOf(recipient_sealed));
  if (!recipient.ok()) return recipient.status();
  absl::StatusOr<std::string> content =
      OpenField(keys, tenant, id, kContentField, BytesOf(content_sealed));
  if (!content.ok()) return content.status();
  // Stored as acceptance parsed it, so that its lower case is its normalised form.
  const absl::StatusOr<int64_t> mark = keys.MarkOf(absl::AsciiStrToLower(*recipient));
  // The service's key is no email's fault, whatever is wrong with it.
  if (!mark.ok()) return absl::UnavailableError(mark.status().message());
  email.lease.recipient_mark = *mark;
  email.recipient = *std::move(recipient);
  email.content = *std::move(content);
  return absl::OkStatus();
}

absl::StatusOr<EmailRecord> RecordOf(const pqxx::row& row, TenantKeys& keys) {
  EmailRecord record;
  record.tenant = TenantId{Int64Of(row[kTenant])};
  record.id = EmailId{Int64Of(row[kEmail])};
  record.state = static_cast<EmailState>(IntOf(row[kState]));
  record.state_reason = TextOf(row[kStateReason]);
  record.lane = static_cast<Lane>(IntOf(row[kLane]));
  record.category = TextOf(row[kCategory]);
  record.template_key = TextOf(row[kTemplateKey]);
  record.template_version = IntOf(row[kTemplateVersion]);
  record.user_id = TextOf(row[kUserId]);
  record.from_address = TextOf(row[kFromAddress]);
  record.from_name = TextOf(row[kFromName]);
  record.idempotency_key = TextOf(row[kIdempotencyKey]);
  record.metadata = MetadataFromJson(TextOf(row[kMetadata]));
  record.create_time = TimeOf(row[kCreateTime]);
  record.update_time = TimeOf(row[kUpdateTime]);
  record.send_time = OptionalTimeOf(row[kSendTime]);
  record.expire_time = TimeOf(row[kExpireTime]);
  record.test = BoolOf(row[kTest]);
  record.traceparent = TextOf(row[kTraceparent]);
  record.attempt_count = IntOf(row[kAttemptCount]);
  record.provider_account = TextOf(row[kAccount]);
  record.provider_message_id = TextOf(row[kMessageId]);
  absl::StatusOr<std::string> recipient =
      OpenField(keys, record.tenant, record.id, kRecipientField, BytesOf(row[kRecipientSealed]));
  if (absl::IsUnavailable(recipient.status())) return recipient.status();
  if (recipient.ok()) record.recipient = *std::move(recipient);
  return record;
}

absl::StatusOr<std::vector<EmailRecord>> RecordsOf(const pqxx::result& rows, TenantKeys& keys) {
  std::vector<EmailRecord> records;
  records.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    absl::StatusOr<EmailRecord> record = RecordOf(row, keys);
    if (!record.ok()) return record.status();
    records.push_back(*std::move(record));
  }
  return records;
}

EmailEventRow EventOf(const pqxx::row& row) {
  EmailEventRow event;
  event.email = EmailId{Int64Of(row[0])};
  event.type = static_cast<EventType>(IntOf(row[1]));
  event.event_time = TimeOf(row[2]);
  event.attempt = IntOf(row[3]);
  event.account = TextOf(row[4]);
  event.provider_message_id = TextOf(row[5]);
  event.bounce_class = static_cast<BounceClass>(IntOf(row[6]));
  event.reason = TextOf(row[7]);
  event.detail = TextOf(row[8]);
  event.retry_time = OptionalTimeOf(row[9]);
  return event;
}

FinishedEmail StopEmail(TenantId tenant, EmailId email, EmailState state, int attempts,
                        const std::string& suppression) {
  FinishedEmail stopped;
  stopped.tenant = tenant;
  stopped.email = email;
  stopped.state = state;
  if (IsTerminal(state)) return stopped;
  if (state == EmailState::kUnconfirmed) {
    stopped.state = EmailState::kFailed;
    stopped.reason = "outcome_unknown";
    stopped.detail = suppression.empty() ? "expired" : suppression;
    stopped.event = EventType::kFailed;
  } else if (suppression.empty()) {
    stopped.state = EmailState::kExpired;
    stopped.event = EventType::kExpired;
  } else {
    stopped.state = EmailState::kSuppressed;
    stopped.reason = suppression;
    stopped.event = EventType::kSuppressed;
  }
  stopped.event_key = absl::StrCat(attempts, ":", static_cast<int>(*stopped.event));
  return stopped;
}

void FinishEmails(Transaction& transaction, const std::vector<FinishedEmail>& emails) {
  if (emails.empty()) return;
  ArrayParam tenants, ids, states, reasons, types, keys, details;
  for (const FinishedEmail& email : emails) {
    tenants.AddInt(email.tenant.value);
    ids.AddInt(email.email.value);
    states.AddInt(static_cast<int64_t>(email.state));
    reasons.AddText(email.reason);
    types.AddInt(email.event.has_value() ? static_cast<int64_t>(*email.event) : 0);
    keys.AddText(email.event_key);
    details.AddText(email.detail);
  }
  transaction.Call(queue_sql::kFinish, tenants.Take(), ids.Take(), states.Take(), reasons.Take(),
                   types.Take(), keys.Take(), details.Take());
}

absl::Status StoreError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return absl::UnavailableError(status.message());
    default:
      return status;
  }
}

}  // namespace herald::storage
