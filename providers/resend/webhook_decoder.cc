#include "providers/resend/webhook_decoder.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "providers/diagnostic.h"
#include "providers/enhanced_status.h"
#include "providers/svix/signature.h"

namespace herald::providers {
namespace {

using nlohmann::json;

// The limits of DeliveryEvent in herald/v1/delivery_event_service.proto.
constexpr size_t kEventIdBytesMax = 256;
constexpr size_t kMessageIdBytesMax = 256;
constexpr size_t kTypeBytesMax = 128;
constexpr size_t kDiagnosticBytesMax = 500;
// A real payload is 4 levels deep.
constexpr int kDepthMax = 32;

// Refuses what is nested deeper than kDepthMax while it is being read, so that a hostile document
// costs no more memory than its own size.
absl::optional<json> ParseObject(const std::string& body) {
  bool too_deep = false;
  const json parsed = json::parse(
      body,
      [&too_deep](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > kDepthMax;
        return !too_deep;
      },
      /*allow_exceptions=*/false);
  if (too_deep || !parsed.is_object()) return absl::nullopt;
  return parsed;
}

// The member `key`, or null when `object` is none or has no such member.
const json& Member(const json& object, const char* key) {
  static const json* const kNull = new json;
  if (!object.is_object()) return *kNull;
  const auto found = object.find(key);
  return found == object.end() ? *kNull : *found;
}

std::string Text(const json& object, const char* key) {
  const json& value = Member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

EventType TypeOf(absl::string_view name) {
  static constexpr std::pair<absl::string_view, EventType> kTypes[] = {
      {"email.sent", EventType::kProviderAccepted},     {"email.delivered", EventType::kDelivered},
      {"email.delivery_delayed", EventType::kDeferred}, {"email.bounced", EventType::kBounced},
      {"email.complained", EventType::kComplained},     {"email.opened", EventType::kOpened},
      {"email.clicked", EventType::kClicked},           {"email.failed", EventType::kRejected},
      {"email.suppressed", EventType::kRejected},
  };
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  return EventType::kUnknown;
}

// When the event happened. A time that cannot be read or believed must not cost us a bounce:
// then it happened now.
absl::Time EventTime(const std::string& text, absl::Time now) {
  constexpr absl::Duration kAheadMax = absl::Hours(24);
  constexpr absl::Duration kAgeMax = absl::Hours(24 * 365);
  for (const char* format : {absl::RFC3339_full, "%Y-%m-%d %H:%M:%E*S%Ez"}) {
    absl::Time time;
    std::string error;
    if (absl::ParseTime(format, text, &time, &error) && time < now + kAheadMax &&
        time > now - kAgeMax) {
      return time;
    }
  }
  return now;
}

std::string FirstText(const json& array) {
  if (array.is_array() && !array.empty() && array.front().is_string()) {
    return array.front().get<std::string>();
  }
  return array.is_string() ? array.get<std::string>() : std::string();
}

// The provider's reason: its class, then the other server's words where there are any.
std::string DiagnosticOf(const json& data) {
  const json& bounce = Member(data, "bounce");
  const json& suppressed = Member(data, "suppressed");
  std::string code = absl::StrCat(Text(bounce, "subType"), Text(suppressed, "reason"),
                                  Text(Member(data, "failed"), "reason"));
  std::string words = FirstText(Member(bounce, "diagnosticCode"));
  if (words.empty()) words = absl::StrCat(Text(bounce, "message"), Text(suppressed, "message"));
  const absl::string_view separator = code.empty() || words.empty() ? "" : ": ";
  return MaskedDiagnostic(absl::StrCat(code, separator, words), kDiagnosticBytesMax);
}

// Permanent is what will not be tried again, whosever fault it was: only what shows that the
// address is no good is hard.
BounceClass BounceClassOf(const json& bounce, absl::string_view diagnostic) {
  static constexpr absl::string_view kOtherFaults[] = {"MailboxFull", "MessageTooLarge",
                                                       "ContentRejected", "AttachmentRejected"};
  const bool permanent = Text(bounce, "type") == "Permanent";
  const bool other_fault = absl::c_linear_search(kOtherFaults, Text(bounce, "subType"));
  const bool hard = permanent && !other_fault && BlamesAddress(diagnostic);
  return hard ? BounceClass::kHard : BounceClass::kSoft;
}

bool IsUsableId(absl::string_view id) {
  return id.size() <= kEventIdBytesMax && std::all_of(id.begin(), id.end(), absl::ascii_isgraph);
}

}  // namespace

absl::StatusOr<std::vector<DecodedEvent>> ResendWebhookDecoder::Decode(
    const WebhookRequest& request, const std::vector<std::string>& secrets, absl::Time now) const {
  const auto id = VerifySvix(request, secrets, now);
  if (!id.ok()) return id.status();
  if (!IsUsableId(*id)) return absl::InvalidArgumentError("the message id cannot be used");
  const auto document = ParseObject(request.body);
  if (!document.has_value()) return absl::InvalidArgumentError("the body is no JSON object");

  DecodedEvent event;
  event.provider_event_id = *id;
  event.provider_type = CleanText(Text(*document, "type"), kTypeBytesMax);
  if (event.provider_type.empty()) return absl::InvalidArgumentError("the event has no type");
  event.type = TypeOf(event.provider_type);
  event.event_time = EventTime(Text(*document, "created_at"), now);

  const json& data = Member(*document, "data");
  const json& tags = Member(data, "tags");
  event.tenant_id = ParseTenantId(Text(tags, "herald_tenant_id"));
  event.email_id = ParseEmailId(Text(tags, "herald_email_id"));
  event.provider_message_id = CleanText(Text(data, "email_id"), kMessageIdBytesMax);
  event.diagnostic = DiagnosticOf(data);
  if (event.type == EventType::kBounced) {
    event.bounce_class = BounceClassOf(Member(data, "bounce"), event.diagnostic);
  }
  return std::vector<DecodedEvent>{std::move(event)};
}

}  // namespace herald::providers
