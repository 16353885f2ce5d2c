#include "server/rpc/tenant_limits_convert.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/config/limits.h"

namespace herald::rpc {
namespace {

constexpr int kCategoriesMax = 100;
constexpr double kPerSecondMax = 1e6;
constexpr int kBurstMax = 1'000'000;
constexpr absl::Duration kWindowMin = absl::Seconds(1);
constexpr absl::Duration kWindowMax = absl::Hours(24 * 366);

Rate ToRate(const std::string& field, const v1::RateLimit& message, RequestCheck& check) {
  // Written so that NaN is refused, too.
  if (!(message.per_second() > 0 && message.per_second() <= kPerSecondMax)) {
    check.Add(absl::StrCat(field, ".per_second"), "must be more than 0, at most 1000000");
  }
  if (message.burst() < 0 || message.burst() > kBurstMax) {
    check.Add(absl::StrCat(field, ".burst"), "must be from 0 to 1000000");
  }
  return {message.per_second(), message.burst()};
}

Quota ToQuota(const std::string& field, const v1::QuotaLimit& message, RequestCheck& check) {
  if (message.count() < 1 || message.count() > kQuotaCountMax) {
    check.Add(absl::StrCat(field, ".count"), "must be from 1 to 1000");
  }
  const absl::Duration window =
      absl::Seconds(message.window().seconds()) + absl::Nanoseconds(message.window().nanos());
  if (window < kWindowMin || window > kWindowMax) {
    check.Add(absl::StrCat(field, ".window"), "must be from 1s to 366 days");
  }
  return {message.count(), window};
}

void ToMessage(const Rate& rate, v1::RateLimit& message) {
  message.set_per_second(rate.per_second);
  message.set_burst(rate.burst);
}

}  // namespace

storage::TenantLimits ToTenantLimits(const v1::TenantLimits& message, RequestCheck& check) {
  storage::TenantLimits limits;
  const absl::optional<TenantId> tenant = ParseTenantId(message.tenant_id());
  if (!tenant.has_value()) check.Add("limits.tenant_id", "is not a tenant id (tn_…)");
  limits.tenant = tenant.value_or(TenantId{});
  if (message.has_ingest()) limits.ingest = ToRate("limits.ingest", message.ingest(), check);
  if (message.has_send()) limits.send = ToRate("limits.send", message.send(), check);
  if (message.has_recipient_domain()) {
    limits.recipient_domain = ToRate("limits.recipient_domain", message.recipient_domain(), check);
  }
  if (message.has_warm_up()) limits.warm_up = message.warm_up();
  if (message.categories_size() > kCategoriesMax) {
    check.Add("limits.categories", "has more than 100 items");
    return limits;
  }
  std::set<std::string> known;
  for (int i = 0; i < message.categories_size(); ++i) {
    const v1::CategoryLimits& category = message.categories(i);
    const std::string field = absl::StrCat("limits.categories[", i, "]");
    check.AtMost(absl::StrCat(field, ".category"), category.category(),
                 herald::limits::kCategoryBytesMax);
    if (!known.insert(category.category()).second) {
      check.Add(absl::StrCat(field, ".category"), "is named twice");
    }
    storage::CategoryLimits& added = limits.categories.emplace_back();
    added.category = category.category();
    if (category.has_send()) {
      added.send = ToRate(absl::StrCat(field, ".send"), category.send(), check);
    }
    if (category.has_per_user()) {
      added.per_user = ToQuota(absl::StrCat(field, ".per_user"), category.per_user(), check);
    }
  }
  return limits;
}

void ToProto(const storage::TenantLimits& limits, v1::TenantLimits& message) {
  message.set_tenant_id(FormatTenantId(limits.tenant));
  if (limits.ingest.per_second > 0) ToMessage(limits.ingest, *message.mutable_ingest());
  if (limits.send.per_second > 0) ToMessage(limits.send, *message.mutable_send());
  if (limits.recipient_domain.per_second > 0) {
    ToMessage(limits.recipient_domain, *message.mutable_recipient_domain());
  }
  for (const storage::CategoryLimits& category : limits.categories) {
    v1::CategoryLimits& added = *message.add_categories();
    added.set_category(category.category);
    if (category.send.per_second > 0) ToMessage(category.send, *added.mutable_send());
    if (category.per_user.count > 0) {
      added.mutable_per_user()->set_count(category.per_user.count);
      added.mutable_per_user()->mutable_window()->set_seconds(
          absl::ToInt64Seconds(category.per_user.window));
    }
  }
  if (limits.warm_up.has_value()) message.set_warm_up(*limits.warm_up);
  if (limits.update_time.has_value()) {
    *message.mutable_update_time() = ToTimestamp(*limits.update_time);
  }
}

}  // namespace herald::rpc
