#include "server/acceptance/request_validation.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/acceptance/header_rules.h"
#include "server/config/limits.h"
#include "server/status/status_details.h"

namespace herald::acceptance {
namespace {

// Collects what is wrong; every check goes on after a failure, so that the caller sees it all.
class Violations {
 public:
  void Add(absl::string_view field, absl::string_view description) {
    list_.push_back({std::string(field), std::string(description)});
  }
  void AddIf(bool bad, absl::string_view field, absl::string_view description) {
    if (bad) Add(field, description);
  }
  const std::vector<FieldViolation>& list() const { return list_; }

 private:
  std::vector<FieldViolation> list_;
};

bool IsPrintableAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
}

bool IsBlank(absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); }

bool HasNul(absl::string_view text) { return text.find('\0') != absl::string_view::npos; }

// `[a-z0-9][a-z0-9_.-]*`
bool IsKey(absl::string_view text, size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max) return false;
  const auto alnum = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  return alnum(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
           return alnum(c) || c == '_' || c == '.' || c == '-';
         });
}

Address CheckAddress(absl::string_view field, const std::string& text, Violations* violations) {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) {
    violations->Add(field, address.status().message());
    return {};
  }
  return *std::move(address);
}

void CheckName(absl::string_view field, const std::string& name, Violations* violations) {
  violations->AddIf(name.size() > limits::kDisplayNameBytesMax, field,
                    "longer than 128 characters");
  violations->AddIf(HasControlCharacter(name), field, "has a control character");
}

void CheckPeople(const v1::SendEmailRequest& request, CheckedRequest* checked,
                 Violations* violations) {
  checked->recipient = CheckAddress("recipient.email", request.recipient().email(), violations);
  CheckName("recipient.name", request.recipient().name(), violations);
  const std::string& user_id = request.recipient().user_id();
  violations->AddIf(user_id.size() > limits::kUserIdBytesMax || HasControlCharacter(user_id),
                    "recipient.user_id", "longer than 128 bytes, or has a control character");
  checked->from = CheckAddress("from.email", request.from().email(), violations);
  CheckName("from.name", request.from().name(), violations);
  violations->AddIf(request.reply_to_size() > limits::kReplyToMax, "reply_to", "more than 5");
  for (int i = 0; i < std::min(request.reply_to_size(), limits::kReplyToMax); ++i) {
    const std::string field = absl::StrCat("reply_to[", i, "]");
    checked->reply_to.push_back(
        CheckAddress(absl::StrCat(field, ".email"), request.reply_to(i).email(), violations));
    CheckName(absl::StrCat(field, ".name"), request.reply_to(i).name(), violations);
  }
}

void CheckInline(const v1::InlineContent& content, Violations* violations) {
  const std::string& subject = content.subject();
  violations->AddIf(IsBlank(subject), "inline.subject", "is required");
  violations->AddIf(subject.size() > limits::kSubjectBytesMax, "inline.subject",
                    "longer than 998 bytes");
  violations->AddIf(HasControlCharacter(subject), "inline.subject", "has a control character");
  violations->AddIf(IsBlank(content.html()) && IsBlank(content.text()), "inline",
                    "html or text is required");
  violations->AddIf(HasNul(content.html()), "inline.html", "contains a NUL character");
  violations->AddIf(HasNul(content.text()), "inline.text", "contains a NUL character");
  violations->AddIf(content.html().size() > limits::kInlinePartBytesMax, "inline.html",
                    "longer than 1 MiB");
  violations->AddIf(content.text().size() > limits::kInlinePartBytesMax, "inline.text",
                    "longer than 1 MiB");
}

int Depth(const google::protobuf::Value& value, int limit);

int Depth(const google::protobuf::Struct& object, int limit) {
  if (limit == 0) return 1;
  int depth = 0;
  for (const auto& [name, value] : object.fields())
    depth = std::max(depth, Depth(value, limit - 1));
  return 1 + depth;
}

// Nesting of a value, counted no further than `limit` + 1.
int Depth(const google::protobuf::Value& value, int limit) {
  if (value.has_struct_value()) return Depth(value.struct_value(), limit);
  if (!value.has_list_value()) return 0;
  if (limit == 0) return 1;
  int depth = 0;
  for (const auto& item : value.list_value().values()) {
    depth = std::max(depth, Depth(item, limit - 1));
  }
  return 1 + depth;
}

void CheckContent(const v1::SendEmailRequest& request, Violations* violations) {
  switch (request.content_case()) {
    case v1::SendEmailRequest::kTemplate:
      violations->AddIf(!IsKey(request.template_().key(), limits::kTemplateKeyBytesMax),
                        "template.key", "does not match [a-z0-9][a-z0-9_.-]{0,127}");
      violations->AddIf(request.template_().version() < 0, "template.version", "is negative");
      break;
    case v1::SendEmailRequest::kInline:
      CheckInline(request.inline_(), violations);
      violations->AddIf(request.has_variables(), "variables",
                        "inline content takes no variables; use a template");
      break;
    case v1::SendEmailRequest::CONTENT_NOT_SET:
      violations->Add("content", "template or inline is required");
      break;
  }
  if (!request.has_variables()) return;
  violations->AddIf(request.variables().ByteSizeLong() > limits::kVariablesBytesMax, "variables",
                    "longer than 256 KiB");
  violations->AddIf(
      Depth(request.variables(), limits::kVariablesDepthMax) > limits::kVariablesDepthMax,
      "variables", "nested more than 16 deep");
}

void CheckTimes(const v1::SendEmailRequest& request, const LaneLifetimes& lifetimes, absl::Time now,
                CheckedRequest* checked, Violations* violations) {
  const auto to_time = [](const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  };
  absl::Time start = now;
  if (request.has_send_time()) {
    const absl::Time send_time = to_time(request.send_time());
    violations->AddIf(send_time > now + limits::kSendAheadMax, "send_time",
                      "more than 366 days ahead");
    if (send_time > now) {
      checked->send_time = send_time;
      start = send_time;
    }
  }
  checked->expire_time = start + lifetimes.at(checked->lane);
  if (request.has_expire_time()) {
    const absl::Time expire_time = to_time(request.expire_time());
    violations->AddIf(expire_time <= start, "expire_time", "is not after send_time and now");
    checked->expire_time = std::min(checked->expire_time, expire_time);
  }
}

void CheckHeaders(const v1::SendEmailRequest& request, Violations* violations) {
  violations->AddIf(request.headers_size() > limits::kHeadersMax, "headers", "more than 20");
  if (request.headers_size() > limits::kHeadersMax) return;
  for (const auto& [name, value] : request.headers()) {
    if (absl::Status status = CheckHeader(name, value); !status.ok()) {
      violations->Add(IsPrintableAscii(name) ? absl::StrCat("headers[", name.substr(0, 64), "]")
                                             : std::string("headers"),
                      status.message());
    }
  }
}

void CheckAttachments(const v1::SendEmailRequest& request, Violations* violations) {
  violations->AddIf(request.attachments_size() > limits::kAttachmentsMax, "attachments",
                    "more than 20");
  size_t bytes = request.inline_().html().size() + request.inline_().text().size();
  for (int i = 0; i < std::min(request.attachments_size(), limits::kAttachmentsMax); ++i) {
    const v1::Attachment& attachment = request.attachments(i);
    const std::string field = absl::StrCat("attachments[", i, "]");
    const std::string& name = attachment.filename();
    violations->AddIf(name.empty() || name.size() > limits::kFilenameBytesMax ||
                          HasControlCharacter(name) || name.find_first_of("/\\") != name.npos,
                      absl::StrCat(field, ".filename"),
                      "is empty, longer than 255 bytes, or has a slash or control character");
    const std::string& type = attachment.content_type();
    violations->AddIf(!type.empty() && (!IsPrintableAscii(type) || type.size() > 255 ||
                                        type.find('/') == type.npos),
                      absl::StrCat(field, ".content_type"), "is not a MIME type");
    violations->AddIf(attachment.content().empty(), absl::StrCat(field, ".content"), "is required");
    violations->AddIf(attachment.content_id().size() > limits::kContentIdBytesMax ||
                          !IsPrintableAscii(attachment.content_id()) ||
                          attachment.content_id().find_first_of("<> ") != std::string::npos,
                      absl::StrCat(field, ".content_id"),
                      "longer than 127 bytes, or has a character that is not allowed");
    bytes += attachment.content().size();
  }
  violations->AddIf(bytes > limits::kContentBytesMax, "attachments",
                    "content and attachments together are larger than 7 MiB");
}

void CheckMetadata(const v1::SendEmailRequest& request, Violations* violations) {
  violations->AddIf(request.metadata_size() > limits::kMetadataMax, "metadata", "more than 20");
  for (const auto& [key, value] : request.metadata()) {
    const bool bad = key.empty() || key.size() > limits::kMetadataKeyBytesMax ||
                     value.size() > limits::kMetadataValueBytesMax || key.find('\0') != key.npos ||
                     value.find('\0') != value.npos;
    if (!bad) continue;
    violations->Add("metadata", "a key is empty or longer than 64 bytes, or a value than 512");
    return;
  }
}

}  // namespace

absl::StatusOr<CheckedRequest> ValidateRequest(const v1::SendEmailRequest& request,
                                               const LaneLifetimes& lifetimes, absl::Time now) {
  Violations violations;
  CheckedRequest checked;
  const std::string& key = request.idempotency_key();
  violations.AddIf(
      key.empty() || key.size() > limits::kIdempotencyKeyBytesMax || !IsPrintableAscii(key),
      "idempotency_key", "is required: 1 to 256 printable ASCII characters that name the event");
  CheckPeople(request, &checked, &violations);
  CheckContent(request, &violations);

  if (request.lane() != v1::LANE_UNSPECIFIED) checked.lane = static_cast<Lane>(request.lane());
  if (std::find(kAllLanes.begin(), kAllLanes.end(), checked.lane) == kAllLanes.end()) {
    violations.Add("lane", "is not a lane of this release");
    checked.lane = Lane::kTransactional;
  }
  checked.category = request.category().empty() ? "transactional" : request.category();
  violations.AddIf(!IsKey(checked.category, limits::kCategoryBytesMax), "category",
                   "does not match [a-z0-9][a-z0-9_.-]{0,63}");

  CheckTimes(request, lifetimes, now, &checked, &violations);
  CheckHeaders(request, &violations);
  CheckAttachments(request, &violations);
  CheckMetadata(request, &violations);
  if (!violations.list().empty()) return InvalidRequest(violations.list());
  return checked;
}

}  // namespace herald::acceptance
