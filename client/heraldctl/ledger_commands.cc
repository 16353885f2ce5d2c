#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

absl::Status PrintLedger(Session& session, const std::string& tenant) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto id = ResolveTenantId(**client, tenant);
  if (!id.ok()) return id.status();
  v1::GetLedgerRequest request;
  request.set_tenant_id(*id);
  const auto ledger = (*client)->GetLedger(request);
  if (!ledger.ok()) return ledger.status();
  if (session.json()) {
    PrintJson(session.out(), *ledger);
    return absl::OkStatus();
  }
  Table table;
  table.Add({"LANE", "ACCEPTED", "PENDING", "SENT", "FAILED", "DEAD", "SUPPRESSED", "CANCELLED",
             "EXPIRED"});
  for (const v1::LaneLedger& lane : ledger->lanes()) {
    table.Add({ShortName("LANE_", v1::Lane_Name(lane.lane())), absl::StrCat(lane.accepted()),
               absl::StrCat(lane.pending()), absl::StrCat(lane.sent()), absl::StrCat(lane.failed()),
               absl::StrCat(lane.dead()), absl::StrCat(lane.suppressed()),
               absl::StrCat(lane.cancelled()), absl::StrCat(lane.expired())});
  }
  table.Print(session.out());
  return absl::OkStatus();
}

}  // namespace

void AddLedgerCommands(const CommandLine& line) {
  const auto tenant = std::make_shared<std::string>();
  CLI::App* ledger = line.app.add_subcommand(
      "ledger", "What has become of a tenant's emails; needs the operator's token");
  ledger->add_option("TENANT", *tenant, "Id or slug of the tenant")->required();
  line.On(ledger, [tenant](Session& session) { return PrintLedger(session, *tenant); });
}

}  // namespace herald::heraldctl
