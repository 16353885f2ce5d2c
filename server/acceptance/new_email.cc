#include "server/acceptance/new_email.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "herald/internal/v1/content.pb.h"
#include "server/acceptance/request_hash.h"
#include "server/config/limits.h"

namespace herald::acceptance {
namespace {

std::string PackContent(const NewEmailParts& parts) {
  const v1::SendEmailRequest& request = parts.request;
  internal::v1::EmailContent content;
  *content.mutable_from() = request.from();
  // The checked forms: internationalised domains are A-labels from here on.
  content.mutable_from()->set_email(parts.checked.from.ToString());
  *content.mutable_reply_to() = request.reply_to();
  content.set_recipient_name(request.recipient().name());
  if (request.has_inline_()) *content.mutable_inline_() = request.inline_();
  if (request.has_variables()) *content.mutable_variables() = request.variables();
  *content.mutable_headers() = request.headers();
  *content.mutable_attachments() = request.attachments();
  content.set_subject_prefix(std::string(parts.subject_prefix));
  return content.SerializeAsString();
}

std::string PackMetadata(const v1::SendEmailRequest& request) {
  if (request.metadata().empty()) return "";
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [key, value] : request.metadata()) object[key] = value;
  return object.dump();
}

}  // namespace

storage::NewEmail BuildNewEmail(const NewEmailParts& parts) {
  const v1::SendEmailRequest& request = parts.request;
  const CheckedRequest& checked = parts.checked;
  storage::NewEmail email;
  email.tenant = parts.caller.tenant;
  email.id = parts.id;
  email.test = parts.caller.mode == storage::TokenMode::kTest;
  email.idempotency_key = request.idempotency_key();
  email.request_hash = CanonicalRequestHash(request, email.test);
  email.lane = checked.lane;
  email.category = checked.category;
  email.template_key = request.template_().key();
  email.template_version = parts.template_version;
  email.recipient = checked.recipient.ToString();
  email.recipient_normalised = checked.recipient.Normalised();
  email.user_id = request.recipient().user_id();
  email.from_address = checked.from.ToString();
  email.from_name = request.from().name();
  email.content = PackContent(parts);
  email.has_attachments = request.attachments_size() > 0;
  email.metadata = PackMetadata(request);
  email.create_time = parts.now;
  email.send_time = checked.send_time;
  email.expire_time = checked.expire_time;
  email.key_expire_time =
      std::max(parts.now + limits::kKeyRetention,
               checked.send_time.value_or(parts.now) + limits::kKeyRetentionAfterSend);
  email.traceparent = std::string(parts.traceparent);
  return email;
}

storage::EmailRecord RecordOf(storage::NewEmail email) {
  storage::EmailRecord record;
  record.tenant = email.tenant;
  record.id = email.id;
  record.lane = email.lane;
  record.category = std::move(email.category);
  record.template_key = std::move(email.template_key);
  record.template_version = email.template_version;
  record.recipient = std::move(email.recipient);
  record.user_id = std::move(email.user_id);
  record.from_address = std::move(email.from_address);
  record.from_name = std::move(email.from_name);
  record.idempotency_key = std::move(email.idempotency_key);
  record.metadata = std::move(email.metadata);
  record.create_time = email.create_time;
  record.update_time = email.create_time;
  record.send_time = email.send_time;
  record.expire_time = email.expire_time;
  record.test = email.test;
  record.traceparent = std::move(email.traceparent);
  return record;
}

}  // namespace herald::acceptance
