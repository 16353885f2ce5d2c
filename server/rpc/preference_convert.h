#pragma once

#include "herald/v1/preferences.pb.h"
#include "server/rpc/email_convert.h"
#include "server/rpc/request_check.h"
#include "storage/category_store.h"
#include "storage/preference_store.h"
#include "storage/suppression_store.h"

namespace herald::rpc {

// `[a-z0-9][a-z0-9_.-]{0,63}`, or a violation.
bool CheckCategoryKey(absl::string_view field, absl::string_view key, RequestCheck& check);
storage::Category ToCategory(const v1::Category& category, RequestCheck& check);
void ToProto(const storage::Category& row, v1::Category& category);

// Whether mail of a category goes to whoever holds these preferences.
bool Receives(const storage::Preferences& held, const storage::Preference& preference);
storage::PreferenceSubject ToSubject(const v1::PreferenceSubject& subject, RequestCheck& check);
void ToProto(const v1::PreferenceSubject& subject, const storage::Preferences& held,
             v1::Preferences& preferences);

// An address in its normalised form; empty, with a violation, when it is none.
std::string ToNormalised(absl::string_view field, absl::string_view email, RequestCheck& check);
storage::NewSuppression ToSuppression(absl::string_view path,
                                      const v1::CreateSuppressionRequest& request, bool global,
                                      absl::Time now, RequestCheck& check);
// As herald.suppressions names it; empty for UNSPECIFIED. Unknown numbers: a violation.
std::string ReasonName(absl::string_view field, v1::Suppression::Reason reason,
                       RequestCheck& check);
void ToProto(const storage::Suppression& row, Reveal email, v1::Suppression& suppression);

}  // namespace herald::rpc
