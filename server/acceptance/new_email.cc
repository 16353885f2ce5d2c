#include "server/acceptance/new_email.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <utility>

#include "herald/internal/v1/content.pb.h"
#include "server/acceptance/request_hash.h"
#include "server/config/limits.h"

namespace herald::acceptance {
namespace {

// A field of a serialised message: what is large is written as it is, not copied into a message
// first. Fields may follow one another in any order.
void AppendField(int number, const google::protobuf::MessageLite& value, std::string* serialised) {
  constexpr uint32_t kLengthDelimited = 2;
  google::protobuf::io::StringOutputStream stream(serialised);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.WriteTag(static_cast<uint32_t>(number) << 3 | kLengthDelimited);
  coded.WriteVarint32(static_cast<uint32_t>(value.ByteSizeLong()));
  value.SerializeWithCachedSizes(&coded);
}

std::string PackContent(const NewEmailParts& parts) {
  const v1::SendEmailRequest& request = parts.request;
  internal::v1::EmailContent content;
  *content.mutable_from() = request.from();
  // The checked forms: internationalised domains are A-labels from here on.
  content.mutable_from()->set_email(parts.checked.from.ToString());
  *content.mutable_reply_to() = request.reply_to();
  for (int i = 0; i < content.reply_to_size(); ++i) {
    content.mutable_reply_to(i)->set_email(
        parts.checked.reply_to[static_cast<size_t>(i)].ToString());
  }
  content.set_recipient_name(request.recipient().name());
  *content.mutable_headers() = request.headers();
  content.set_subject_prefix(std::string(parts.subject_prefix));
  content.set_unsubscribe_url(parts.unsubscribe_url);
  std::string packed = content.SerializeAsString();
  if (request.has_inline_()) {
    AppendField(internal::v1::EmailContent::kInlineFieldNumber, request.inline_(), &packed);
  }
  if (request.has_variables()) {
    AppendField(internal::v1::EmailContent::kVariablesFieldNumber, request.variables(), &packed);
  }
  for (const v1::Attachment& attachment : request.attachments()) {
    AppendField(internal::v1::EmailContent::kAttachmentsFieldNumber, attachment, &packed);
  }
  return packed;
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
  email.request_hash = CanonicalRequestHash(request, email.test, parts.subject_prefix);
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
  email.metadata = {request.metadata().begin(), request.metadata().end()};
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
