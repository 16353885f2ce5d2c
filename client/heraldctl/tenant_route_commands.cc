#include <memory>
#include <ostream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

struct RouteFlags {
  std::string tenant, lane, unconfirmed;
  std::vector<std::string> steps;
};

std::string StepText(const v1::RouteStep& step) {
  return absl::StrCat(step.account(), ":", step.order(), ":", step.cost(), ":", step.weight());
}

void AddRow(const v1::TenantRoute& route, Table& table) {
  const std::string steps = absl::StrJoin(
      route.steps(), " ",
      [](std::string* out, const v1::RouteStep& step) { absl::StrAppend(out, StepText(step)); });
  const std::string policy =
      route.unconfirmed_policy() == v1::UNCONFIRMED_POLICY_UNSPECIFIED
          ? "-"
          : ShortName("UNCONFIRMED_POLICY_",
                      v1::UnconfirmedPolicy_Name(route.unconfirmed_policy()));
  table.Add({ShortName("LANE_", v1::Lane_Name(route.lane())), policy,
             steps.empty() ? std::string("-") : steps});
}

Table NewTable() {
  Table table;
  table.Add({"LANE", "UNCONFIRMED", "ACCOUNT:ORDER:COST:WEIGHT"});
  return table;
}

absl::Status List(Session& session, const RouteFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto id = ResolveTenantId(**client, flags.tenant);
  if (!id.ok()) return id.status();
  v1::ListTenantRoutesRequest request;
  request.set_tenant_id(*id);
  const auto response = (*client)->ListTenantRoutes(request);
  if (!response.ok()) return response.status();
  Table table = NewTable();
  for (const v1::TenantRoute& route : response->routes()) {
    if (session.json()) PrintJson(session.out(), route);
    AddRow(route, table);
  }
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

// "ACCOUNT[:ORDER[:COST[:WEIGHT]]]".
absl::StatusOr<v1::RouteStep> ParseStep(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  v1::RouteStep step;
  step.set_account(parts[0]);
  std::vector<int32_t> numbers;
  for (size_t i = 1; i < parts.size(); ++i) {
    int32_t number = 0;
    if (!absl::SimpleAtoi(parts[i], &number)) break;
    numbers.push_back(number);
  }
  if (numbers.size() + 1 != parts.size() || numbers.size() > 3) {
    return UsageError(absl::StrCat("\"", text, "\" is not ACCOUNT[:ORDER[:COST[:WEIGHT]]]"));
  }
  if (!numbers.empty()) step.set_order(numbers[0]);
  if (numbers.size() > 1) step.set_cost(numbers[1]);
  if (numbers.size() > 2) step.set_weight(numbers[2]);
  return step;
}

absl::Status Set(Session& session, const RouteFlags& flags) {
  const auto lane = ParseLane(flags.lane);
  if (!lane.ok()) return lane.status();
  v1::UpdateTenantRouteRequest request;
  v1::TenantRoute& route = *request.mutable_route();
  route.set_lane(*lane);
  for (const std::string& text : flags.steps) {
    const auto step = ParseStep(text);
    if (!step.ok()) return step.status();
    *route.add_steps() = *step;
  }
  if (flags.unconfirmed == "resend") route.set_unconfirmed_policy(v1::UNCONFIRMED_POLICY_RESEND);
  if (flags.unconfirmed == "hold") route.set_unconfirmed_policy(v1::UNCONFIRMED_POLICY_HOLD);
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto id = ResolveTenantId(**client, flags.tenant);
  if (!id.ok()) return id.status();
  request.set_tenant_id(*id);
  const auto updated = (*client)->UpdateTenantRoute(request);
  if (!updated.ok()) return updated.status();
  if (session.json()) {
    PrintJson(session.out(), *updated);
    return absl::OkStatus();
  }
  Table table = NewTable();
  AddRow(*updated, table);
  table.Print(session.out());
  return absl::OkStatus();
}

}  // namespace

void AddTenantRouteCommands(CLI::App* tenant, const CommandLine& line) {
  const auto flags = std::make_shared<RouteFlags>();

  CLI::App* list = tenant->add_subcommand("routes", "List the routes that are the tenant's own");
  list->add_option("TENANT", flags->tenant, "Id or slug")->required();
  line.On(list, [flags](Session& session) { return List(session, *flags); });

  CLI::App* set = tenant->add_subcommand(
      "set-route", "Replace the tenant's own route of a lane; without accounts and policy: remove");
  set->add_option("TENANT", flags->tenant, "Id or slug")->required();
  set->add_option("LANE", flags->lane, "critical, transactional, standard or bulk")->required();
  set->add_option("STEP", flags->steps, "ACCOUNT[:ORDER[:COST[:WEIGHT]]], in their order");
  set->add_option("--unconfirmed", flags->unconfirmed,
                  "What to do with an email whose outcome stays unknown: resend or hold")
      ->check(CLI::IsMember({"resend", "hold"}));
  line.On(set, [flags](Session& session) { return Set(session, *flags); });
}

}  // namespace herald::heraldctl
