#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

struct ProviderFlags {
  std::string name, reason;
};

std::string StateText(const v1::ProviderAccount& account) {
  return ShortName("STATE_", v1::ProviderAccount::State_Name(account.state()));
}

std::string Milliseconds(bool present, const google::protobuf::Duration& duration) {
  if (!present) return "-";
  return absl::StrCat(duration.seconds() * 1000 + duration.nanos() / 1'000'000, "ms");
}

std::string ReasonText(const v1::ProviderAccount& account) {
  if (account.disabled_by().empty()) return Printable(account.reason());
  return absl::StrCat(Printable(account.reason()), " (", account.disabled_by(), ")");
}

void AddRow(const v1::ProviderAccount& account, Table& table) {
  table.Add({account.name(), StateText(account), absl::StrCat(account.calls()),
             absl::StrFormat("%.1f%%", account.error_rate() * 100),
             Milliseconds(account.has_latency_average(), account.latency_average()),
             Milliseconds(account.has_latency_p95(), account.latency_p95()),
             FormatLocalTime(account.has_state_time(), account.state_time()), ReasonText(account)});
}

Table NewTable() {
  Table table;
  table.Add({"ACCOUNT", "STATE", "CALLS", "ERRORS", "AVERAGE", "P95", "SINCE", "REASON"});
  return table;
}

absl::Status List(Session& session) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto response = (*client)->ListProviderAccounts({});
  if (!response.ok()) return response.status();
  Table table = NewTable();
  for (const v1::ProviderAccount& account : response->accounts()) {
    if (session.json()) PrintJson(session.out(), account);
    AddRow(account, table);
  }
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

absl::Status PrintAccount(Session& session, const absl::StatusOr<v1::ProviderAccount>& account) {
  if (!account.ok()) return account.status();
  if (session.json()) {
    PrintJson(session.out(), *account);
    return absl::OkStatus();
  }
  Table table = NewTable();
  AddRow(*account, table);
  table.Print(session.out());
  return absl::OkStatus();
}

absl::Status Disable(Session& session, const ProviderFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  v1::DisableProviderAccountRequest request;
  request.set_name(flags.name);
  request.set_reason(flags.reason);
  return PrintAccount(session, (*client)->DisableProviderAccount(request));
}

absl::Status Enable(Session& session, const ProviderFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  v1::EnableProviderAccountRequest request;
  request.set_name(flags.name);
  return PrintAccount(session, (*client)->EnableProviderAccount(request));
}

}  // namespace

void AddProviderCommands(const CommandLine& line) {
  CLI::App* group =
      line.app.add_subcommand("provider", "Provider accounts; needs the operator's token");
  group->require_subcommand(1);
  const auto flags = std::make_shared<ProviderFlags>();

  line.On(group->add_subcommand("list", "List the accounts and their health"), List);

  CLI::App* disable = group->add_subcommand("disable", "Take an account out of all routes");
  disable->add_option("ACCOUNT", flags->name, "Its name in the configuration")->required();
  disable->add_option("--reason", flags->reason, "Why, for other operators")->required();
  line.On(disable, [flags](Session& session) { return Disable(session, *flags); });

  CLI::App* enable = group->add_subcommand(
      "enable", "Put an account back into the routes, also when its breaker took it out");
  enable->add_option("ACCOUNT", flags->name, "Its name in the configuration")->required();
  line.On(enable, [flags](Session& session) { return Enable(session, *flags); });
}

}  // namespace herald::heraldctl
