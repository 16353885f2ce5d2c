#include <memory>
#include <ostream>
#include <utility>
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
  bool as_configured = false;
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

// The route that the flags give, with nothing in what they do not give.
absl::StatusOr<v1::TenantRoute> GivenRoute(const RouteFlags& flags) {
  const auto lane = ParseLane(flags.lane);
  if (!lane.ok()) return lane.status();
  v1::TenantRoute route;
  route.set_lane(*lane);
  for (const std::string& text : flags.steps) {
    const auto step = ParseStep(text);
    if (!step.ok()) return step.status();
    *route.add_steps() = *step;
  }
  if (flags.unconfirmed == "resend") route.set_unconfirmed_policy(v1::UNCONFIRMED_POLICY_RESEND);
  if (flags.unconfirmed == "hold") route.set_unconfirmed_policy(v1::UNCONFIRMED_POLICY_HOLD);
  if (flags.steps.empty() && flags.unconfirmed.empty() && !flags.as_configured) {
    return UsageError("what shall the route be? Accounts, --unconfirmed, or --as-configured");
  }
  return route;
}

// Fills what `route` leaves open with what the tenant has; the API replaces a route as a whole.
absl::Status KeepTheRest(const client::Client& client, const std::string& tenant,
                         v1::TenantRoute& route) {
  v1::ListTenantRoutesRequest request;
  request.set_tenant_id(tenant);
  const auto present = client.ListTenantRoutes(request);
  if (!present.ok()) return present.status();
  for (const v1::TenantRoute& old : present->routes()) {
    if (old.lane() != route.lane()) continue;
    if (route.steps().empty()) *route.mutable_steps() = old.steps();
    if (route.unconfirmed_policy() == v1::UNCONFIRMED_POLICY_UNSPECIFIED) {
      route.set_unconfirmed_policy(old.unconfirmed_policy());
    }
  }
  return absl::OkStatus();
}

absl::Status Set(Session& session, const RouteFlags& flags) {
  auto route = GivenRoute(flags);
  if (!route.ok()) return route.status();
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto id = ResolveTenantId(**client, flags.tenant);
  if (!id.ok()) return id.status();
  if (!flags.as_configured) {
    if (absl::Status status = KeepTheRest(**client, *id, *route); !status.ok()) return status;
  }
  v1::UpdateTenantRouteRequest request;
  *request.mutable_route() = *std::move(route);
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
      "set-route", "Change the tenant's own route of a lane; what is not given stays");
  set->add_option("TENANT", flags->tenant, "Id or slug")->required();
  set->add_option("LANE", flags->lane, "critical, transactional, standard or bulk")->required();
  set->add_option(
      "STEP", flags->steps,
      "ACCOUNT[:ORDER[:COST[:WEIGHT]]], in their order; instead of all accounts it has");
  set->add_option("--unconfirmed", flags->unconfirmed,
                  "What to do with an email whose outcome stays unknown: resend or hold")
      ->check(CLI::IsMember({"resend", "hold"}));
  set->add_flag("--as-configured", flags->as_configured,
                "What is not given is as the lane is configured, instead of as it was");
  line.On(set, [flags](Session& session) { return Set(session, *flags); });
}

}  // namespace herald::heraldctl
