#include "server/delivery/account_router.h"

#include <algorithm>
#include <utility>

namespace herald::delivery {
namespace {

// Until somebody changes a configuration.
constexpr absl::Duration kNoRouteWait = absl::Seconds(30);

RouteChoice Nowhere(absl::string_view reason, absl::Duration wait) {
  RouteChoice choice;
  choice.reason = reason;
  choice.wait = wait;
  return choice;
}

RouteChoice To(providers::Provider* provider) {
  RouteChoice choice;
  choice.provider = provider;
  return choice;
}

bool CanCarry(const providers::Capabilities& capabilities, const RouteQuery& query) {
  return query.message_bytes <= capabilities.message_bytes_max &&
         (!query.attachments || capabilities.attachments) &&
         (!query.international || capabilities.international_addresses);
}

bool IsExcluded(const RouteQuery& query, absl::string_view account) {
  return std::find(query.excluded.begin(), query.excluded.end(), account) != query.excluded.end();
}

}  // namespace

AccountRouter::AccountRouter(const std::vector<providers::Provider*>& accounts,
                             providers::Provider* sandbox, const RouteTable* table,
                             HealthBoard* board, Random random)
    : sandbox_(sandbox),
      sandbox_name_(sandbox == nullptr ? "" : sandbox->account()),
      table_(table),
      board_(board),
      random_(std::move(random)) {
  for (providers::Provider* provider : accounts) {
    accounts_.push_back({std::string(provider->account()), provider->capabilities(), provider});
  }
}

RouteChoice AccountRouter::Choose(const RouteQuery& query) {
  if (query.test) {
    if (sandbox_ == nullptr) return Nowhere("no_route", kNoRouteWait);
    if (IsExcluded(query, sandbox_name_)) return Nowhere("accounts_down", {});
    return To(sandbox_);
  }
  const RouteTable::RoutePtr route = table_->Find(query.tenant, query.lane);
  std::vector<Candidate> open;
  bool configured = false;
  bool capable = false;
  absl::Duration wait = absl::InfiniteDuration();
  for (const RouteStep& step : *route) {
    const Account* account = FindAccount(step.account);
    if (account == nullptr) continue;
    configured = true;
    if (!CanCarry(account->capabilities, query)) continue;
    capable = true;
    if (IsExcluded(query, step.account)) continue;
    const HealthBoard::Admission admission = board_->Admit(step.account, /*peek=*/true);
    if (admission.admitted) {
      open.push_back({&step, account->provider});
    } else {
      // It is missed: somebody should see whether it is well again.
      if (!query.peek) board_->Miss(step.account);
      wait = std::min(wait, admission.wait);
    }
  }
  if (!configured) return Nowhere("no_route", kNoRouteWait);
  if (!capable) {
    RouteChoice choice = Nowhere("no_capable_account", kNoRouteWait);
    choice.for_good = true;
    return choice;
  }
  while (!open.empty()) {
    const size_t best = Pick(open);
    // Its last probe may just have been given out.
    if (query.peek || board_->Admit(open[best].step->account, /*peek=*/false).admitted) {
      return To(open[best].provider);
    }
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return Nowhere("accounts_down", wait == absl::InfiniteDuration() ? absl::ZeroDuration() : wait);
}

RouteChoice AccountRouter::ChooseAccount(absl::string_view account) {
  providers::Provider* provider = Find(account);
  if (provider == nullptr) return Nowhere("no_route", kNoRouteWait);
  if (provider == sandbox_) return To(provider);
  const HealthBoard::Admission admission = board_->Admit(account, /*peek=*/false);
  if (admission.admitted) return To(provider);
  board_->Miss(account);
  return Nowhere("accounts_down", admission.wait);
}

providers::Provider* AccountRouter::Find(absl::string_view account) const {
  const Account* found = FindAccount(account);
  return found == nullptr ? nullptr : found->provider;
}

const AccountRouter::Account* AccountRouter::FindAccount(absl::string_view name) const {
  for (const Account& account : accounts_) {
    if (account.name == name) return &account;
  }
  return nullptr;
}

size_t AccountRouter::Pick(const std::vector<Candidate>& candidates) const {
  const RouteStep& first = *candidates.front().step;
  int total = 0;
  size_t equals = 0;
  while (equals < candidates.size() && candidates[equals].step->order == first.order &&
         candidates[equals].step->cost == first.cost) {
    total += candidates[equals++].step->weight;
  }
  double point = random_() * total;
  for (size_t i = 0; i + 1 < equals; ++i) {
    point -= candidates[i].step->weight;
    if (point < 0) return i;
  }
  return equals - 1;
}

}  // namespace herald::delivery
