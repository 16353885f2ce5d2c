#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "storage/category_store.h"
#include "storage/tenant_store.h"

namespace herald::storage {

// Whose preferences: exactly one is not empty.
struct PreferenceSubject {
  std::string address;  // normalised
  std::string user_id;
};

// One category and what the subject has chosen.
struct Preference {
  Category category;
  absl::optional<bool> opted_in;  // nullopt: the category's default holds
};

struct Preferences {
  bool unsubscribed = false;            // from all marketing
  std::vector<Preference> preferences;  // every category that is not deleted, by key
};

// What to change; the rest stays.
struct PreferenceChange {
  absl::optional<bool> unsubscribed;
  std::vector<std::pair<std::string, absl::optional<bool>>> categories;  // nullopt: back to default
};

// What a recipient did on the unsubscribe page, or by one click.
struct UnsubscribeAct {
  TenantId tenant;
  EmailId email;        // through whose link
  std::string address;  // normalised
  // The category of one click: out of it, or of all marketing when it is no longer declared.
  // Empty: `change` is what was chosen.
  std::string one_click_category;
  PreferenceChange change;
};

// What recipients want. Thread-safe, blocking; changes are effective for every attempt that has not
// begun when they return. kUnavailable: the database is away; the call may be repeated.
class PreferenceStore {
 public:
  virtual ~PreferenceStore() = default;

  virtual absl::StatusOr<Preferences> GetPreferences(TenantId tenant,
                                                     const PreferenceSubject& subject) = 0;
  // Returns what holds afterwards. kNotFound: the message is the category that is not declared;
  // then nothing changed. An audit entry is written when something changed.
  virtual absl::StatusOr<Preferences> SetPreferences(TenantId tenant,
                                                     const PreferenceSubject& subject,
                                                     const PreferenceChange& change,
                                                     const AuditEntry& audit) = 0;
  // As SetPreferences, on the recipient's word, with an UNSUBSCRIBED event on the email when that
  // is still kept and something was left. Repeating it changes nothing.
  virtual absl::StatusOr<Preferences> Unsubscribe(const UnsubscribeAct& act) = 0;
};

}  // namespace herald::storage
