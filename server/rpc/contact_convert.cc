#include "server/rpc/contact_convert.h"

#include "server/audience/attributes_codec.h"
#include "server/audience/filter/parser.h"
#include "server/rpc/redaction.h"
#include "server/rpc/request_check.h"

namespace herald::rpc {
namespace {

// The numbers of the store are those of the proto.
static_assert(static_cast<int>(storage::ContactState::kSubscribed) ==
              v1::Contact::STATE_SUBSCRIBED);
static_assert(static_cast<int>(storage::ContactState::kUnsubscribed) ==
              v1::Contact::STATE_UNSUBSCRIBED);

}  // namespace

absl::Status ToProto(const storage::ContactRecord& record, Reveal email, v1::Contact& contact) {
  absl::StatusOr<google::protobuf::Struct> attributes =
      audience::DecodeAttributes(record.attributes);
  if (!attributes.ok()) return attributes.status();
  contact.set_id(FormatContactId(record.id));
  contact.set_email(email == Reveal::kInFull ? record.email : RedactAddress(record.email));
  contact.set_name(record.name);
  contact.set_user_id(record.user_id);
  contact.set_locale(record.locale);
  contact.set_time_zone(record.time_zone);
  for (const std::string& tag : record.tags) contact.add_tags(tag);
  if (!attributes->fields().empty()) *contact.mutable_attributes() = *std::move(attributes);
  contact.set_state(static_cast<v1::Contact::State>(record.state));
  *contact.mutable_create_time() = ToTimestamp(ContactIdTime(record.id));
  *contact.mutable_update_time() = ToTimestamp(record.update_time);
  return absl::OkStatus();
}

void ToProto(const storage::SegmentRow& row, v1::Segment& segment) {
  segment.set_key(row.key);
  segment.set_display_name(row.display_name);
  segment.set_filter(row.filter);
  *segment.mutable_create_time() = ToTimestamp(row.create_time);
  *segment.mutable_update_time() = ToTimestamp(row.update_time);
}

absl::Status ContactError(const absl::Status& status) {
  if (!ErrorReason(status).empty()) return status;
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return MakeError(absl::StatusCode::kNotFound, "CONTACT_NOT_FOUND",
                       "there is no such contact");
    case absl::StatusCode::kAlreadyExists:
      return MakeError(absl::StatusCode::kAlreadyExists, "CONTACT_EXISTS",
                       "there is a contact with this address; update it, or import");
    default:
      return FromStorage(status);
  }
}

absl::Status SegmentError(const absl::Status& status) {
  if (!ErrorReason(status).empty()) return status;
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return MakeError(absl::StatusCode::kNotFound, "SEGMENT_NOT_FOUND",
                       "there is no such segment");
    case absl::StatusCode::kAlreadyExists:
      return MakeError(absl::StatusCode::kAlreadyExists, "SEGMENT_EXISTS",
                       "there is a segment with this key");
    default:
      return FromStorage(status);
  }
}

absl::Status FilterError(const absl::Status& status) {
  if (!absl::IsDeadlineExceeded(status)) return FromStorage(status);
  return MakeError(absl::StatusCode::kDeadlineExceeded, "FILTER_TOO_SLOW",
                   "the filter took too long; join it by AND with a tag, or an attribute that "
                   "equals a value");
}

absl::StatusOr<storage::FilterNode> RequestedFilter(absl::string_view field,
                                                    absl::string_view filter) {
  absl::StatusOr<storage::FilterNode> parsed = audience::ParseFilter(filter);
  if (!parsed.ok()) return InvalidField(field, parsed.status().message());
  return parsed;
}

}  // namespace herald::rpc
