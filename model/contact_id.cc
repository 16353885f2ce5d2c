#include "model/contact_id.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace herald {
namespace {

constexpr absl::string_view kPrefix = "co_";
constexpr absl::string_view kEmailPrefix = "em_";  // of the same digits

// Ids are kept in 63 bits, of which the time has 41.
constexpr int64_t kMillisMin = 1704067200000;  // 2024-01-01T00:00:00Z
constexpr int64_t kMillisMax = kMillisMin + (int64_t{1} << 41) - 1;

}  // namespace

std::string FormatContactId(ContactId id) {
  return absl::StrCat(kPrefix, FormatEmailId(EmailId{id.value}).substr(kEmailPrefix.size()));
}

absl::optional<ContactId> ParseContactId(absl::string_view text) {
  if (!absl::StartsWith(text, kPrefix)) return absl::nullopt;
  const absl::optional<EmailId> id =
      ParseEmailId(absl::StrCat(kEmailPrefix, text.substr(kPrefix.size())));
  if (!id.has_value()) return absl::nullopt;
  return ContactId{id->value};
}

absl::Time ContactIdTime(ContactId id) { return EmailIdTime(EmailId{id.value}); }

ContactId FirstContactIdAt(absl::Time time) {
  absl::Time millisecond = absl::FromUnixMillis(absl::ToUnixMillis(time));
  if (millisecond < time) millisecond += absl::Milliseconds(1);
  millisecond = std::max(millisecond, absl::FromUnixMillis(kMillisMin));
  if (millisecond > absl::FromUnixMillis(kMillisMax)) return ContactId{INT64_MAX};
  return ContactId{FirstEmailIdAt(millisecond).value};
}

}  // namespace herald
