#include "server/rpc/preference_convert.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/address.h"
#include "server/config/limits.h"
#include "server/rpc/redaction.h"

namespace herald::rpc {
namespace {

constexpr size_t kDisplayNameMax = 128;
constexpr size_t kDescriptionMax = 500;

// By the numbers of v1::Suppression::Reason.
constexpr std::array<absl::string_view, 7> kReasons = {
    "", "hard_bounce", "complaint", "unsubscribe", "manual", "soft_bounce_limit", "provider"};

bool IsAlphanumeric(char c) {
  return absl::ascii_islower(static_cast<unsigned char>(c)) ||
         absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

}  // namespace

bool CheckCategoryKey(absl::string_view field, absl::string_view key, RequestCheck& check) {
  const bool right = !key.empty() && key.size() <= limits::kCategoryBytesMax &&
                     IsAlphanumeric(key.front()) && std::all_of(key.begin(), key.end(), [](char c) {
                       return IsAlphanumeric(c) || c == '_' || c == '.' || c == '-';
                     });
  if (!right) check.Add(field, "does not match [a-z0-9][a-z0-9_.-]{0,63}");
  return right;
}

storage::Category ToCategory(const v1::Category& category, RequestCheck& check) {
  CheckCategoryKey("category.key", category.key(), check);
  check.RequiredAtMost("category.display_name", category.display_name(), kDisplayNameMax);
  check.AtMost("category.description", category.description(), kDescriptionMax);
  if (HasControl(category.display_name()) || HasControl(category.description())) {
    check.Add("category", "a text has a control character");
  }
  storage::Category row;
  row.key = category.key();
  row.display_name = category.display_name();
  row.description = category.description();
  row.marketing = category.kind() == v1::Category::KIND_MARKETING;
  row.default_in = !category.default_out();
  return row;
}

void ToProto(const storage::Category& row, v1::Category& category) {
  category.set_key(row.key);
  category.set_display_name(row.display_name);
  category.set_description(row.description);
  category.set_kind(row.marketing ? v1::Category::KIND_MARKETING
                                  : v1::Category::KIND_TRANSACTIONAL);
  category.set_default_out(!row.default_in);
  *category.mutable_create_time() = ToTimestamp(row.create_time);
  *category.mutable_update_time() = ToTimestamp(row.update_time);
}

bool Receives(const storage::Preferences& held, const storage::Preference& preference) {
  if (preference.category.marketing && held.unsubscribed) return false;
  return preference.opted_in.value_or(preference.category.default_in);
}

storage::PreferenceSubject ToSubject(const v1::PreferenceSubject& subject, RequestCheck& check) {
  storage::PreferenceSubject row;
  switch (subject.subject_case()) {
    case v1::PreferenceSubject::kEmail:
      row.address = ToNormalised("subject.email", subject.email(), check);
      break;
    case v1::PreferenceSubject::kUserId:
      if (subject.user_id().empty() || subject.user_id().size() > limits::kUserIdBytesMax ||
          HasControl(subject.user_id())) {
        check.Add("subject.user_id", "must be 1 to 128 bytes without control characters");
      }
      row.user_id = subject.user_id();
      break;
    case v1::PreferenceSubject::SUBJECT_NOT_SET:
      check.Add("subject", "an email or a user_id is required");
      break;
  }
  return row;
}

void ToProto(const v1::PreferenceSubject& subject, const storage::Preferences& held,
             v1::Preferences& preferences) {
  *preferences.mutable_subject() = subject;
  preferences.set_unsubscribed(held.unsubscribed);
  for (const storage::Preference& preference : held.preferences) {
    v1::CategoryPreference& shown = *preferences.add_categories();
    shown.set_category(preference.category.key);
    if (preference.opted_in.has_value()) {
      shown.set_choice(*preference.opted_in ? v1::CategoryPreference::CHOICE_IN
                                            : v1::CategoryPreference::CHOICE_OUT);
    }
    shown.set_receives(Receives(held, preference));
  }
}

std::string ToNormalised(absl::string_view field, absl::string_view email, RequestCheck& check) {
  const absl::StatusOr<Address> address = ParseAddress(email);
  if (address.ok()) return address->Normalised();
  check.Add(field, address.status().message());
  return "";
}

std::string ReasonName(absl::string_view field, v1::Suppression::Reason reason,
                       RequestCheck& check) {
  if (v1::Suppression::Reason_IsValid(reason)) {
    return std::string(kReasons[static_cast<size_t>(reason)]);
  }
  check.Add(field, "is not a reason of this release");
  return "";
}

storage::NewSuppression ToSuppression(absl::string_view path,
                                      const v1::CreateSuppressionRequest& request, bool global,
                                      absl::Time now, RequestCheck& check) {
  storage::NewSuppression row;
  row.address = ToNormalised(absl::StrCat(path, "email"), request.email(), check);
  const std::string reason_field = absl::StrCat(path, "reason");
  row.reason = ReasonName(reason_field, request.reason(), check);
  if (row.reason.empty()) row.reason = "manual";
  if (global && (row.reason == "unsubscribe" || row.reason == "soft_bounce_limit")) {
    check.Add(reason_field, "is a tenant's alone");
  }
  if (request.has_expire_time()) {
    const std::string field = absl::StrCat(path, "expire_time");
    row.expire_time = CheckTime(field, request.expire_time(), check);
    if (row.expire_time.has_value() && *row.expire_time <= now) check.Add(field, "has passed");
  }
  return row;
}

void ToProto(const storage::Suppression& row, Reveal email, v1::Suppression& suppression) {
  suppression.set_id(absl::StrCat("sp_", row.id));
  suppression.set_email(email == Reveal::kInFull ? row.address : RedactAddress(row.address));
  suppression.set_scope(row.scope.has_value() ? v1::Suppression::SCOPE_TENANT
                                              : v1::Suppression::SCOPE_GLOBAL);
  const auto reason = std::find(kReasons.begin(), kReasons.end(), row.reason);
  if (reason != kReasons.end()) {
    suppression.set_reason(static_cast<v1::Suppression::Reason>(reason - kReasons.begin()));
  }
  suppression.set_source(row.source);
  *suppression.mutable_create_time() = ToTimestamp(row.create_time);
  if (row.expire_time.has_value()) {
    *suppression.mutable_expire_time() = ToTimestamp(*row.expire_time);
  }
}

}  // namespace herald::rpc
