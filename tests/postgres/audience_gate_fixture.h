#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/postgres/category_store.h"
#include "storage/postgres/preference_store.h"
#include "storage/postgres/suppression_store.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {

inline constexpr char kAddress[] = "anna@example.com";
inline constexpr char kUser[] = "user-1";

// Two tenants with categories of every kind, and emails of each.
class AudienceGateTest : public EmailFixture {
 protected:
  AudienceGateTest() {
    Declare(a_, "news", /*marketing=*/true, /*default_in=*/true);
    Declare(a_, "tips", /*marketing=*/true, /*default_in=*/false);
    Declare(a_, "orders", /*marketing=*/false, /*default_in=*/true);
    Declare(b_, "news", /*marketing=*/true, /*default_in=*/true);
  }

  void Declare(TenantId tenant, const std::string& key, bool marketing, bool default_in) {
    Category category;
    category.key = key;
    category.display_name = key;
    category.marketing = marketing;
    category.default_in = default_in;
    ASSERT_OK(categories_.CreateCategory(tenant, category));
  }
  void Suppress(SuppressionScope scope, const std::string& reason,
                absl::optional<absl::Time> expire_time = absl::nullopt) {
    ASSERT_OK(suppressions_.CreateSuppression(scope, {kAddress, reason, expire_time}, audit_));
  }
  // Suppresses another address than kAddress; the suppression's id.
  int64_t SuppressAnother(SuppressionScope scope) {
    absl::StatusOr<Suppression> another = suppressions_.CreateSuppression(
        scope, {"other@example.com", "manual", absl::nullopt}, audit_);
    EXPECT_OK(another);
    return another->id;
  }
  // Of those that an export gives that goes on after `id`.
  std::vector<std::string> AddressesAfter(SuppressionScope scope, int64_t id) {
    SuppressionQuery query;
    query.after_id = id;
    absl::StatusOr<std::vector<Suppression>> rows = suppressions_.ListSuppressions(scope, query);
    EXPECT_OK(rows);
    std::vector<std::string> addresses;
    for (const Suppression& row : *rows) addresses.push_back(row.address);
    return addresses;
  }
  void Choose(TenantId tenant, const PreferenceSubject& subject, const std::string& category,
              absl::optional<bool> opted_in) {
    PreferenceChange change;
    change.categories = {{category, opted_in}};
    ASSERT_OK(preferences_.SetPreferences(tenant, subject, change, audit_));
  }
  void Leave(TenantId tenant, const PreferenceSubject& subject, bool unsubscribed = true) {
    PreferenceChange change;
    change.unsubscribed = unsubscribed;
    ASSERT_OK(preferences_.SetPreferences(tenant, subject, change, audit_));
  }
  NewEmail Of(const std::string& category, TenantId tenant) {
    NewEmail email = Make(absl::StrCat("gate-", ++emails_made_), tenant);
    email.category = category;
    return email;
  }
  // Queues one email of each category, to be claimed by Stops.
  void QueueAll() {
    for (const char* category : kCategories) queued_.push_back(Accept(Of(category, a_)));
  }
  // Why each of kCategories is stopped at acceptance; empty: it is queued. Checks that those queued
  // before are stopped alike when their attempts would begin.
  std::vector<std::string> Stops() {
    std::vector<std::string> reasons;
    for (const char* category : kCategories) {
      reasons.push_back(AcceptOne(Of(category, a_)).state_reason);
    }
    absl::StatusOr<std::vector<LeasedEmail>> claimed =
        queue_.Claim(Lane::kTransactional, 100, absl::Seconds(60), {});
    EXPECT_OK(claimed);
    for (const LeasedEmail& email : *claimed) TryBegin(email.lease);
    for (size_t i = 0; i < queued_.size(); ++i) {
      const EmailRecord record = Get(queued_[i]);
      EXPECT_EQ(record.state_reason, reasons[i]) << kCategories[i];
      EXPECT_EQ(record.state, reasons[i].empty() ? EmailState::kSending : EmailState::kSuppressed);
    }
    return reasons;
  }

  static constexpr const char* kCategories[] = {"news", "tips", "orders", "undeclared"};
  PostgresCategoryStore categories_{database_.pool()};
  PostgresSuppressionStore suppressions_{database_.pool(), keys_};
  PostgresPreferenceStore preferences_{database_.pool(), keys_};
  AuditEntry audit_{absl::nullopt, "tester", "test/Act", "target", {}};
  std::vector<EmailId> queued_;
  int emails_made_ = 0;
};

}  // namespace herald::storage
