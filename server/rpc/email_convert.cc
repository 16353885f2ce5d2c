#include "server/rpc/email_convert.h"

#include "server/rpc/redaction.h"
#include "server/rpc/request_check.h"

namespace herald::rpc {
namespace {

// The numbers of the model are those of the proto.
static_assert(static_cast<int>(EmailState::kScheduled) == v1::Email::STATE_SCHEDULED);
static_assert(static_cast<int>(EmailState::kExpired) == v1::Email::STATE_EXPIRED);
static_assert(static_cast<int>(Lane::kCritical) == v1::LANE_CRITICAL);
static_assert(static_cast<int>(Lane::kBulk) == v1::LANE_BULK);
static_assert(static_cast<int>(EventType::kAccepted) == v1::EVENT_TYPE_ACCEPTED);
static_assert(static_cast<int>(EventType::kUnknown) == v1::EVENT_TYPE_UNKNOWN);
static_assert(static_cast<int>(BounceClass::kSoft) == v1::BOUNCE_CLASS_SOFT);

// The trace id inside a W3C traceparent: "00-<32 hex>-…".
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdChars = 32;

}  // namespace

void ToProto(const storage::EmailRecord& record, Reveal recipient, v1::Email& email) {
  email.set_id(FormatEmailId(record.id));
  email.set_state(static_cast<v1::Email::State>(record.state));
  email.set_state_reason(record.state_reason);
  email.mutable_recipient()->set_email(
      recipient == Reveal::kInFull ? record.recipient : RedactAddress(record.recipient));
  email.mutable_recipient()->set_user_id(record.user_id);
  email.mutable_from()->set_email(record.from_address);
  email.mutable_from()->set_name(record.from_name);
  if (!record.template_key.empty()) {
    email.mutable_template_()->set_key(record.template_key);
    email.mutable_template_()->set_version(record.template_version);
  }
  email.set_lane(static_cast<v1::Lane>(record.lane));
  email.set_category(record.category);
  email.set_idempotency_key(record.idempotency_key);
  for (const auto& [key, value] : record.metadata) (*email.mutable_metadata())[key] = value;
  *email.mutable_create_time() = ToTimestamp(record.create_time);
  *email.mutable_update_time() = ToTimestamp(record.update_time);
  if (record.send_time.has_value()) *email.mutable_send_time() = ToTimestamp(*record.send_time);
  *email.mutable_expire_time() = ToTimestamp(record.expire_time);
  email.set_attempt_count(record.attempt_count);
  email.set_provider_account(record.provider_account);
  email.set_provider_message_id(record.provider_message_id);
  email.set_test(record.test);
  if (record.traceparent.size() >= kTraceIdAt + kTraceIdChars) {
    email.set_trace_id(record.traceparent.substr(kTraceIdAt, kTraceIdChars));
  }
}

void ToProto(const storage::EmailEventRow& row, v1::EmailEvent& event) {
  event.set_email_id(FormatEmailId(row.email));
  event.set_type(static_cast<v1::EventType>(row.type));
  *event.mutable_event_time() = ToTimestamp(row.event_time);
  event.set_attempt(row.attempt);
  event.set_provider_account(row.account);
  event.set_provider_message_id(row.provider_message_id);
  event.set_bounce_class(static_cast<v1::BounceClass>(row.bounce_class));
  event.set_reason(row.reason);
  event.set_detail(row.detail);
  if (row.retry_time.has_value()) *event.mutable_retry_time() = ToTimestamp(*row.retry_time);
}

}  // namespace herald::rpc
