#include <memory>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

struct LimitFlags {
  std::string tenant, ingest, send, recipient_domain, warm_up;
  std::vector<std::string> categories, per_user;
  bool reset = false;

  bool change() const {
    return reset || !ingest.empty() || !send.empty() || !recipient_domain.empty() ||
           !warm_up.empty() || !categories.empty() || !per_user.empty();
  }
};

// "100" or "0.5:10".
absl::Status ReadRate(const std::string& text, v1::RateLimit& rate) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  double per_second = 0;
  int burst = 0;
  if (parts.size() > 2 || !absl::SimpleAtod(parts[0], &per_second) ||
      (parts.size() == 2 && !absl::SimpleAtoi(parts[1], &burst))) {
    return UsageError(absl::StrCat("no rate \"", text, "\": write emails a second, and the burst ",
                                   "after a colon: 100 or 0.5:10"));
  }
  rate.set_per_second(per_second);
  rate.set_burst(burst);
  return absl::OkStatus();
}

// "3/24h".
absl::Status ReadQuota(const std::string& text, v1::QuotaLimit& quota) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  int count = 0;
  const absl::StatusOr<absl::Duration> window = ParseDuration(parts.second);
  if (!absl::SimpleAtoi(parts.first, &count) || !window.ok()) {
    return UsageError(absl::StrCat("no quota \"", text, "\": write it as 3/24h"));
  }
  quota.set_count(count);
  quota.mutable_window()->set_seconds(absl::ToInt64Seconds(*window));
  return absl::OkStatus();
}

v1::CategoryLimits& EntryFor(const std::string& category, v1::TenantLimits& limits) {
  const std::string name = category == "*" ? "" : category;
  for (v1::CategoryLimits& entry : *limits.mutable_categories()) {
    if (entry.category() == name) return entry;
  }
  limits.add_categories()->set_category(name);
  return *limits.mutable_categories()->rbegin();
}

absl::Status Change(const LimitFlags& flags, v1::TenantLimits& limits) {
  const auto read = [](const std::string& text, auto mutable_rate) -> absl::Status {
    return text.empty() ? absl::OkStatus() : ReadRate(text, *mutable_rate());
  };
  absl::Status status = read(flags.ingest, [&] { return limits.mutable_ingest(); });
  status.Update(read(flags.send, [&] { return limits.mutable_send(); }));
  status.Update(read(flags.recipient_domain, [&] { return limits.mutable_recipient_domain(); }));
  for (const std::string& text : flags.categories) {
    const auto pair = ParsePair(text);
    if (!pair.ok()) return pair.status();
    status.Update(ReadRate(pair->second, *EntryFor(pair->first, limits).mutable_send()));
  }
  for (const std::string& text : flags.per_user) {
    const auto pair = ParsePair(text);
    if (!pair.ok()) return pair.status();
    status.Update(ReadQuota(pair->second, *EntryFor(pair->first, limits).mutable_per_user()));
  }
  if (!flags.warm_up.empty()) limits.set_warm_up(flags.warm_up == "on");
  return status;
}

std::string RateText(bool present, const v1::RateLimit& rate) {
  if (!present) return "default";
  const std::string burst = rate.burst() > 0 ? absl::StrCat(", burst ", rate.burst()) : "";
  return absl::StrCat(rate.per_second(), "/s", burst);
}

void Print(Session& session, const v1::TenantLimits& limits) {
  if (session.json()) return PrintJson(session.out(), limits);
  Table table;
  table.Add({"tenant", limits.tenant_id()});
  table.Add({"ingest", RateText(limits.has_ingest(), limits.ingest())});
  table.Add({"send", RateText(limits.has_send(), limits.send())});
  table.Add(
      {"recipient domain", RateText(limits.has_recipient_domain(), limits.recipient_domain())});
  table.Add({"warm-up", limits.has_warm_up() ? (limits.warm_up() ? "on" : "off") : "default"});
  for (const v1::CategoryLimits& category : limits.categories()) {
    const v1::QuotaLimit& quota = category.per_user();
    const std::string name = category.category().empty() ? "*" : category.category();
    table.Add({absl::StrCat("category ", name), RateText(category.has_send(), category.send())});
    if (category.has_per_user()) {
      table.Add({absl::StrCat("  each user of ", name),
                 absl::StrCat(quota.count(), " in ",
                              absl::FormatDuration(absl::Seconds(quota.window().seconds())))});
    }
  }
  table.Add({"set", FormatLocalTime(limits.has_update_time(), limits.update_time())});
  table.Print(session.out());
}

absl::Status ShowOrSet(Session& session, const LimitFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto id = ResolveTenantId(**client, flags.tenant);
  if (!id.ok()) return id.status();
  v1::GetTenantLimitsRequest get;
  get.set_tenant_id(*id);
  auto limits = (*client)->GetTenantLimits(get);
  if (!limits.ok()) return limits.status();
  if (flags.change()) {
    v1::SetTenantLimitsRequest set;
    if (!flags.reset) *set.mutable_limits() = *limits;
    set.mutable_limits()->set_tenant_id(*id);
    if (absl::Status status = Change(flags, *set.mutable_limits()); !status.ok()) return status;
    limits = (*client)->SetTenantLimits(set);
    if (!limits.ok()) return limits.status();
  }
  Print(session, *limits);
  return absl::OkStatus();
}

}  // namespace

void AddTenantLimits(CLI::App* group, const CommandLine& line) {
  const auto flags = std::make_shared<LimitFlags>();
  CLI::App* limits =
      group->add_subcommand("limits", "Show a tenant's limits, or change those that are given");
  limits->add_option("TENANT", flags->tenant, "Id or slug")->required();
  limits->add_option("--ingest", flags->ingest, "Emails a second it may hand in, RATE[:BURST]");
  limits->add_option("--send", flags->send, "Emails sent a second, RATE[:BURST]");
  limits->add_option("--recipient-domain", flags->recipient_domain,
                     "From one sending domain to one recipient domain, RATE[:BURST]");
  limits->add_option("--category", flags->categories, "NAME=RATE[:BURST], * for the others")
      ->allow_extra_args(false);
  limits->add_option("--per-user", flags->per_user, "NAME=COUNT/WINDOW, e.g. marketing=3/24h")
      ->allow_extra_args(false);
  limits->add_option("--warm-up", flags->warm_up, "on or off, for young sending domains")
      ->check(CLI::IsMember({"on", "off"}));
  limits->add_flag("--reset", flags->reset, "Back to the service's defaults first");
  line.On(limits, [flags](Session& session) { return ShowOrSet(session, *flags); });
}

}  // namespace herald::heraldctl
