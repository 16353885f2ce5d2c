#include "server/rpc/delivery_event_convert.h"

#include "absl/strings/str_cat.h"

namespace herald::rpc {
namespace {

constexpr size_t kAccountMax = 64;
constexpr size_t kProviderEventIdMax = 256;
constexpr size_t kProviderMessageIdMax = 256;
constexpr size_t kProviderTypeMax = 128;
constexpr size_t kDiagnosticMax = 500;

void CheckTexts(const v1::DeliveryEvent& event, absl::string_view path, RequestCheck& check) {
  const auto field = [path](absl::string_view name) { return absl::StrCat(path, name); };
  check.RequiredAtMost(field("account"), event.account(), kAccountMax);
  check.RequiredAtMost(field("provider_event_id"), event.provider_event_id(), kProviderEventIdMax);
  check.AtMost(field("provider_message_id"), event.provider_message_id(), kProviderMessageIdMax);
  check.AtMost(field("provider_type"), event.provider_type(), kProviderTypeMax);
  check.AtMost(field("diagnostic"), event.diagnostic(), kDiagnosticMax);
}

}  // namespace

storage::ProviderEvent ToProviderEvent(const v1::DeliveryEvent& event, absl::string_view path,
                                       RequestCheck& check) {
  CheckTexts(event, path, check);
  storage::ProviderEvent row;
  row.account = event.account();
  row.provider_event_id = event.provider_event_id();
  if (!v1::EventType_IsValid(event.type()) || event.type() < v1::EVENT_TYPE_PROVIDER_ACCEPTED) {
    check.Add(absl::StrCat(path, "type"), "is not a type that providers report");
  }
  row.type = static_cast<EventType>(event.type());
  if (!v1::BounceClass_IsValid(event.bounce_class()) ||
      (event.bounce_class() != v1::BOUNCE_CLASS_UNSPECIFIED &&
       event.type() != v1::EVENT_TYPE_BOUNCED)) {
    check.Add(absl::StrCat(path, "bounce_class"), "goes only with EVENT_TYPE_BOUNCED");
  }
  row.bounce_class = static_cast<BounceClass>(event.bounce_class());
  if (!event.has_event_time()) {
    check.Add(absl::StrCat(path, "event_time"), "is required");
  } else {
    row.event_time = CheckTime(absl::StrCat(path, "event_time"), event.event_time(), check)
                         .value_or(absl::UnixEpoch());
  }
  // Tags that Herald did not write say nothing: such an event is matched by its message id.
  row.tenant = ParseTenantId(event.tenant_id());
  row.email = ParseEmailId(event.email_id());
  if (!row.tenant.has_value() || !row.email.has_value()) {
    row.tenant.reset();
    row.email.reset();
  }
  row.provider_message_id = event.provider_message_id();
  row.provider_type = event.provider_type();
  row.diagnostic = event.diagnostic();
  return row;
}

}  // namespace herald::rpc
