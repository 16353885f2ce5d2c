#include "server/acceptance/request_hash.h"

#include <endian.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <vector>

#include "storage/crypto/sha256.h"

namespace herald::acceptance {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

// No field of the request has this number.
constexpr int kSubjectPrefixField = 0;

// Writes the canonical form. Field by field, because walking the request by reflection took longer
// than everything else that is done to accept it but sealing. A message's fields come in the order
// of their numbers, and those that are not set are left out.
class Encoder {
 public:
  explicit Encoder(std::string* out) : out_(*out) {}

  void Text(int field, absl::string_view text) {
    if (text.empty()) return;
    Number(static_cast<uint64_t>(field));
    Bytes(text);
  }

  void Integer(int field, int64_t value) {
    if (value == 0) return;
    Number(static_cast<uint64_t>(field));
    Number(static_cast<uint64_t>(value));
  }

  template <class Message>
  void Submessage(int field, bool is_set, const Message& message) {
    if (!is_set) return;
    Number(static_cast<uint64_t>(field));
    Sized([&] { Fields(message); });
  }

  template <class Messages>
  void List(int field, const Messages& messages) {
    if (messages.empty()) return;
    Number(static_cast<uint64_t>(field));
    Number(static_cast<uint64_t>(messages.size()));
    for (const auto& message : messages) Sized([&] { Fields(message); });
  }

  // A map is a set of entries: they come sorted by key, shorter keys first.
  template <class Map>
  void Entries(int field, const Map& map) {
    if (map.empty()) return;
    using Entry = typename Map::value_type;
    std::vector<const Entry*> entries;
    entries.reserve(map.size());
    for (const Entry& entry : map) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
      return std::forward_as_tuple(a->first.size(), a->first) <
             std::forward_as_tuple(b->first.size(), b->first);
    });
    Number(static_cast<uint64_t>(field));
    Number(entries.size());
    for (const Entry* entry : entries) {
      Bytes(entry->first);
      EntryValue(entry->second);
    }
  }

 private:
  void Number(uint64_t value) {
    char bytes[sizeof(value)];
    Store(value, bytes);
    out_.append(bytes, sizeof(bytes));
  }

  void Bytes(absl::string_view bytes) {
    Number(bytes.size());
    out_.append(bytes.data(), bytes.size());
  }

  // What `append` appends, with its length before it.
  template <class Append>
  void Sized(const Append& append) {
    Number(0);
    const size_t begin = out_.size();
    append();
    Store(out_.size() - begin, &out_[begin - sizeof(uint64_t)]);
  }

  static void Store(uint64_t value, char* at) {
    const uint64_t big_endian = htobe64(value);
    std::memcpy(at, &big_endian, sizeof(big_endian));
  }

  void EntryValue(const std::string& text) { Bytes(text); }
  void EntryValue(const Value& value) {
    Sized([&] { Fields(value); });
  }

  void Fields(const v1::Recipient& recipient) {
    Text(v1::Recipient::kEmailFieldNumber, recipient.email());
    Text(v1::Recipient::kNameFieldNumber, recipient.name());
    Text(v1::Recipient::kUserIdFieldNumber, recipient.user_id());
  }
  void Fields(const v1::Mailbox& mailbox) {
    Text(v1::Mailbox::kEmailFieldNumber, mailbox.email());
    Text(v1::Mailbox::kNameFieldNumber, mailbox.name());
  }
  void Fields(const v1::TemplateReference& reference) {
    Text(v1::TemplateReference::kKeyFieldNumber, reference.key());
    Integer(v1::TemplateReference::kVersionFieldNumber, reference.version());
  }
  void Fields(const v1::InlineContent& content) {
    Text(v1::InlineContent::kSubjectFieldNumber, content.subject());
    Text(v1::InlineContent::kHtmlFieldNumber, content.html());
    Text(v1::InlineContent::kTextFieldNumber, content.text());
  }
  void Fields(const google::protobuf::Timestamp& time) {
    Integer(google::protobuf::Timestamp::kSecondsFieldNumber, time.seconds());
    Integer(google::protobuf::Timestamp::kNanosFieldNumber, time.nanos());
  }
  void Fields(const v1::Attachment& attachment) {
    Text(v1::Attachment::kFilenameFieldNumber, attachment.filename());
    Text(v1::Attachment::kContentTypeFieldNumber, attachment.content_type());
    Text(v1::Attachment::kContentFieldNumber, attachment.content());
    Text(v1::Attachment::kContentIdFieldNumber, attachment.content_id());
  }
  void Fields(const Struct& object) { Entries(Struct::kFieldsFieldNumber, object.fields()); }

  void Fields(const Value& value) {
    if (value.kind_case() == Value::KIND_NOT_SET) return;
    Number(static_cast<uint64_t>(value.kind_case()));
    switch (value.kind_case()) {
      case Value::kNumberValue:
        return Double(value.number_value());
      case Value::kStringValue:
        return Bytes(value.string_value());
      case Value::kBoolValue:
        return Number(value.bool_value());
      case Value::kStructValue:
        return Sized([&] { Fields(value.struct_value()); });
      case Value::kListValue:
        return Sized([&] {
          List(google::protobuf::ListValue::kValuesFieldNumber, value.list_value().values());
        });
      default:
        return Number(0);  // null
    }
  }

  void Double(double value) {
    if (value == 0) value = 0;  // -0 equals 0
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(bits));
    Number(bits);
  }

  std::string& out_;
};

}  // namespace

std::string CanonicalRequestHash(const v1::SendEmailRequest& request, bool test,
                                 absl::string_view subject_prefix) {
  using Request = v1::SendEmailRequest;
  std::string canonical;
  canonical.reserve(1024);
  canonical.push_back(test ? 'T' : 'L');
  Encoder encoder(&canonical);
  encoder.Submessage(Request::kRecipientFieldNumber, request.has_recipient(), request.recipient());
  encoder.Submessage(Request::kFromFieldNumber, request.has_from(), request.from());
  encoder.List(Request::kReplyToFieldNumber, request.reply_to());
  encoder.Submessage(Request::kTemplateFieldNumber, request.has_template_(), request.template_());
  encoder.Submessage(Request::kInlineFieldNumber, request.has_inline_(), request.inline_());
  encoder.Submessage(Request::kVariablesFieldNumber, request.has_variables(), request.variables());
  encoder.Integer(Request::kLaneFieldNumber, request.lane());
  encoder.Text(Request::kCategoryFieldNumber, request.category());
  encoder.Submessage(Request::kSendTimeFieldNumber, request.has_send_time(), request.send_time());
  encoder.Submessage(Request::kExpireTimeFieldNumber, request.has_expire_time(),
                     request.expire_time());
  encoder.Entries(Request::kHeadersFieldNumber, request.headers());
  encoder.List(Request::kAttachmentsFieldNumber, request.attachments());
  encoder.Entries(Request::kMetadataFieldNumber, request.metadata());
  encoder.Text(kSubjectPrefixField, subject_prefix);
  return storage::Sha256(canonical);
}

}  // namespace herald::acceptance
