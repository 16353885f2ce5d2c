#include "client/heraldctl/timeline.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

// "00:00.412", with hours once there are any; a provider's clock may run behind.
std::string FormatOffset(absl::Duration offset) {
  const char* sign = offset < absl::ZeroDuration() ? "-" : "";
  int64_t ms = std::abs(absl::ToInt64Milliseconds(offset));
  const int64_t hours = ms / 3600000;
  ms %= 3600000;
  const std::string rest = absl::StrFormat("%02d:%02d.%03d", ms / 60000, ms / 1000 % 60, ms % 1000);
  return hours == 0 ? absl::StrCat(sign, rest) : absl::StrFormat("%s%d:%s", sign, hours, rest);
}

std::vector<std::string> Facts(const v1::EmailEvent& event) {
  std::vector<std::string> facts;
  const auto add = [&facts](const std::string& text) {
    if (!text.empty()) facts.push_back(Printable(text));
  };
  add(event.provider_account());
  if (event.attempt() > 0) add(absl::StrCat("attempt ", event.attempt()));
  add(event.provider_message_id());
  if (event.bounce_class() != v1::BOUNCE_CLASS_UNSPECIFIED) {
    add(ShortName("BOUNCE_CLASS_", v1::BounceClass_Name(event.bounce_class())));
  }
  add(event.reason());
  add(event.detail());
  if (event.has_retry_time()) {
    add(absl::StrCat("next at ", FormatLocalTime(FromProto(event.retry_time()))));
  }
  return facts;
}

}  // namespace

std::string EventName(const v1::EmailEvent& event) {
  const std::string name = v1::EventType_Name(event.type());
  // A newer server may know more types.
  return name.empty() ? absl::StrCat("TYPE_", static_cast<int>(event.type()))
                      : ShortName("EVENT_TYPE_", name);
}

std::string DescribeEvent(const v1::EmailEvent& event, size_t type_width) {
  const std::vector<std::string> facts = Facts(event);
  std::string name = EventName(event);
  if (facts.empty()) return name;
  name.resize(std::max(name.size(), type_width), ' ');
  return absl::StrCat(name, "  ", absl::StrJoin(facts, "  "));
}

std::string TimelineLine(const v1::EmailEvent& event, absl::Time origin, size_t type_width) {
  return absl::StrCat(FormatOffset(FromProto(event.event_time()) - origin), "  ",
                      DescribeEvent(event, type_width));
}

void PrintTimeline(std::ostream& out, const v1::ListEmailEventsResponse& timeline) {
  if (timeline.events().empty()) return;
  const v1::EmailEvent& first = timeline.events(0);
  const absl::Time origin = FromProto(first.event_time());
  size_t type_width = 9;
  for (const auto& event : timeline.events()) {
    type_width = std::max(type_width, EventName(event).size());
  }
  out << first.email_id() << "  from " << FormatLocalTime(origin) << "\n";
  for (const auto& event : timeline.events()) {
    out << TimelineLine(event, origin, type_width) << "\n";
  }
}

}  // namespace herald::heraldctl
