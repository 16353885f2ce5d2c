#include "server/rpc/unsubscribe_methods.h"

#include <algorithm>
#include <set>

#include "server/rpc/preference_convert.h"
#include "server/rpc/request_check.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr int kSelectionMax = 100;

// The recipient gets what was selected and leaves the other marketing categories; nothing selected
// leaves those to come too. Keys that are not on the page are not the recipient's to choose.
storage::PreferenceChange ChangeOf(const v1::UnsubscribeRequest::Selection& selection,
                                   const storage::Preferences& held) {
  const std::set<std::string> wanted(selection.categories().begin(), selection.categories().end());
  storage::PreferenceChange change;
  bool any = false;
  for (const storage::Preference& preference : held.preferences) {
    if (!preference.category.marketing) continue;
    const bool in = wanted.count(preference.category.key) > 0;
    any |= in;
    change.categories.emplace_back(preference.category.key, in);
  }
  change.unsubscribed = !any;
  // What was chosen before is kept for the day the recipient comes back.
  if (!any) change.categories.clear();
  return change;
}

}  // namespace

absl::Status UnsubscribeMethods::FillPage(const preferences::UnsubscribeSubject& subject,
                                          const storage::Preferences& held,
                                          v1::UnsubscribePage& page) {
  const absl::StatusOr<storage::Tenant> tenant = tenants_.GetTenant(subject.tenant);
  if (!tenant.ok()) return FromStorage(tenant.status());
  page.set_sender(tenant->display_name);
  page.set_category(subject.category);
  page.set_unsubscribed(held.unsubscribed);
  for (const storage::Preference& preference : held.preferences) {
    if (!preference.category.marketing) continue;
    v1::UnsubscribePage::Choice& choice = *page.add_choices();
    choice.set_category(preference.category.key);
    choice.set_display_name(preference.category.display_name);
    choice.set_description(preference.category.description);
    choice.set_receives(Receives(held, preference));
  }
  std::stable_sort(
      page.mutable_choices()->pointer_begin(), page.mutable_choices()->pointer_end(),
      [](const auto* a, const auto* b) { return a->display_name() < b->display_name(); });
  return absl::OkStatus();
}

absl::Status UnsubscribeMethods::Resolve(const Call&,
                                         const v1::ResolveUnsubscribeTokenRequest& request,
                                         v1::UnsubscribePage& response) {
  const auto subject = parts_.tokens->Open(request.token(), clock_());
  if (!subject.ok()) return subject.status();
  const auto held = parts_.preferences->GetPreferences(subject->tenant, {subject->address, ""});
  if (!held.ok()) return FromStorage(held.status());
  return FillPage(*subject, *held, response);
}

absl::Status UnsubscribeMethods::Unsubscribe(const Call&, const v1::UnsubscribeRequest& request,
                                             v1::UnsubscribePage& response) {
  if (request.selection().categories_size() > kSelectionMax) {
    return InvalidField("selection.categories", "more than 100");
  }
  const auto subject = parts_.tokens->Open(request.token(), clock_());
  if (!subject.ok()) return subject.status();
  storage::UnsubscribeAct act;
  act.tenant = subject->tenant;
  act.email = subject->email;
  act.address = subject->address;
  if (request.has_selection()) {
    const auto held = parts_.preferences->GetPreferences(act.tenant, {act.address, ""});
    if (!held.ok()) return FromStorage(held.status());
    act.change = ChangeOf(request.selection(), *held);
  } else {
    act.one_click_category = subject->category;
  }
  const auto now_held = parts_.preferences->Unsubscribe(act);
  if (!now_held.ok()) return FromStorage(now_held.status());
  return FillPage(*subject, *now_held, response);
}

}  // namespace herald::rpc
