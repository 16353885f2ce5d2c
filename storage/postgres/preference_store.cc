#include "storage/postgres/preference_store.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/contact.h"
#include "storage/postgres/category_rows.h"
#include "storage/postgres/contact_store_sql.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/preference_store_sql.h"
#include "storage/postgres/suppression_rows.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr char kRecipientActor[] = "recipient";
constexpr char kUnsubscribeAction[] = "herald.v1.DeliveryEventService/Unsubscribe";

// A subject as its rows are keyed.
struct Subject {
  TenantId tenant;
  std::string hash;    // empty: a user
  std::string sealed;  // the address, for a suppression
  std::string user_id;

  std::string HashText() const { return ByteaText(hash); }
};

absl::StatusOr<Subject> Resolve(TenantKeys& keys, TenantId tenant,
                                const PreferenceSubject& subject) {
  Subject resolved{tenant, "", "", subject.user_id};
  if (subject.address.empty()) return resolved;
  const absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys.For(tenant);
  if (!cipher.ok()) return StoreError(cipher.status());
  resolved.user_id.clear();
  resolved.hash = (*cipher)->LookupHash(subject.address);
  resolved.sealed = SealSuppressed(**cipher, resolved.hash, subject.address);
  return resolved;
}

TransactionOptions For(TenantId tenant, const char* name, bool read_only = false) {
  return {.tenants = {tenant}, .read_only = read_only, .name = name};
}

Preferences Read(Transaction& transaction, const Subject& subject) {
  Preferences preferences;
  preferences.unsubscribed = BoolOf(transaction.Exec(preference_sql::kHasLeft, subject.tenant,
                                                     subject.HashText(), subject.user_id)[0][0]);
  for (const pqxx::row& row : transaction.Exec(preference_sql::kChoices, subject.tenant,
                                               subject.HashText(), subject.user_id)) {
    Preference& preference = preferences.preferences.emplace_back();
    preference.category = CategoryOf(row);
    const pqxx::field choice = row[kCategoryColumns];
    if (!choice.is_null()) preference.opted_in = BoolOf(choice);
  }
  return preferences;
}

// Leaves all marketing, or comes back. Whether that changed anything.
bool SetUnsubscribed(Transaction& transaction, const Subject& subject, bool unsubscribed,
                     absl::string_view source) {
  namespace sql = preference_sql;
  if (subject.hash.empty()) {
    return unsubscribed
               ? !transaction
                      .Exec(sql::kChoose, subject.tenant, subject.HashText(), subject.user_id, "",
                            false, source)
                      .empty()
               : !transaction
                      .Exec(sql::kForget, subject.tenant, subject.HashText(), subject.user_id, "")
                      .empty();
  }
  const pqxx::result changed =
      unsubscribed ? transaction.Exec(sql::kLeave, subject.tenant, subject.HashText(), source,
                                      ByteaText(subject.sealed))
                   : transaction.Exec(sql::kComeBack, subject.tenant, subject.HashText());
  const ContactState state = unsubscribed ? ContactState::kUnsubscribed : ContactState::kSubscribed;
  const pqxx::result contact = transaction.Exec(contact_sql::kSetState, subject.tenant,
                                                subject.HashText(), static_cast<int>(state));
  return !changed.empty() || !contact.empty();
}

// Whether anything changed. kNotFound names a category that is not declared.
absl::StatusOr<bool> Apply(Transaction& transaction, const Subject& subject,
                           const PreferenceChange& change, absl::string_view source) {
  namespace sql = preference_sql;
  bool changed = false;
  if (change.unsubscribed.has_value()) {
    changed |= SetUnsubscribed(transaction, subject, *change.unsubscribed, source);
  }
  for (const auto& [category, opted_in] : change.categories) {
    if (transaction.Exec(sql::kIsDeclared, subject.tenant, category).empty()) {
      return absl::NotFoundError(category);
    }
    changed |= opted_in.has_value() ? !transaction
                                           .Exec(sql::kChoose, subject.tenant, subject.HashText(),
                                                 subject.user_id, category, *opted_in, source)
                                           .empty()
                                    : !transaction
                                           .Exec(sql::kForget, subject.tenant, subject.HashText(),
                                                 subject.user_id, category)
                                           .empty();
  }
  return changed;
}

// What one click means: out of the email's category, or of all marketing when that is not declared.
PreferenceChange OneClick(Transaction& transaction, const UnsubscribeAct& act) {
  PreferenceChange change;
  if (transaction.Exec(preference_sql::kIsDeclared, act.tenant, act.one_click_category).empty()) {
    change.unsubscribed = true;
  } else {
    change.categories.emplace_back(act.one_click_category, false);
  }
  return change;
}

bool Leaves(const PreferenceChange& change) {
  if (change.unsubscribed.value_or(false)) return true;
  for (const auto& [category, opted_in] : change.categories) {
    if (!opted_in.value_or(true)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Preferences> PostgresPreferenceStore::GetPreferences(
    TenantId tenant, const PreferenceSubject& subject) {
  const absl::StatusOr<Subject> resolved = Resolve(keys_, tenant, subject);
  if (!resolved.ok()) return resolved.status();
  absl::StatusOr<Preferences> preferences =
      RunTransaction(pool_, For(tenant, "get_preferences", true),
                     [&](Transaction& transaction) -> absl::StatusOr<Preferences> {
                       return Read(transaction, *resolved);
                     });
  if (!preferences.ok()) return StoreError(preferences.status());
  return preferences;
}

absl::StatusOr<Preferences> PostgresPreferenceStore::SetPreferences(
    TenantId tenant, const PreferenceSubject& subject, const PreferenceChange& change,
    const AuditEntry& audit) {
  const absl::StatusOr<Subject> resolved = Resolve(keys_, tenant, subject);
  if (!resolved.ok()) return resolved.status();
  absl::StatusOr<Preferences> preferences = RunTransaction(
      pool_, For(tenant, "set_preferences"),
      [&](Transaction& transaction) -> absl::StatusOr<Preferences> {
        const absl::StatusOr<bool> changed = Apply(transaction, *resolved, change, audit.actor);
        if (!changed.ok()) return changed.status();
        if (*changed) {
          transaction.Exec(kInsertAudit, absl::make_optional(tenant), audit.actor, audit.action,
                           audit.target);
        }
        return Read(transaction, *resolved);
      });
  if (!preferences.ok()) return StoreError(preferences.status());
  return preferences;
}

absl::StatusOr<Preferences> PostgresPreferenceStore::Unsubscribe(const UnsubscribeAct& act) {
  const absl::StatusOr<Subject> resolved = Resolve(keys_, act.tenant, {act.address, ""});
  if (!resolved.ok()) return resolved.status();
  absl::StatusOr<Preferences> preferences = RunTransaction(
      pool_, For(act.tenant, "unsubscribe"),
      [&](Transaction& transaction) -> absl::StatusOr<Preferences> {
        const PreferenceChange change =
            act.one_click_category.empty() ? act.change : OneClick(transaction, act);
        const absl::StatusOr<bool> changed = Apply(transaction, *resolved, change, kRecipientActor);
        if (!changed.ok()) return changed.status();
        if (*changed) {
          transaction.Exec(kInsertAudit, absl::make_optional(act.tenant), kRecipientActor,
                           kUnsubscribeAction, FormatEmailId(act.email));
          if (Leaves(change)) {
            transaction.Exec(preference_sql::kNoteUnsubscribed, act.tenant, act.email,
                             act.one_click_category.empty() ? "page" : "one_click");
          }
        }
        return Read(transaction, *resolved);
      });
  if (!preferences.ok()) return StoreError(preferences.status());
  return preferences;
}

}  // namespace herald::storage
