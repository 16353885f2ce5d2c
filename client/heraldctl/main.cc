#include <cstdlib>
#include <iostream>
#include <string>

#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/session.h"

namespace herald::heraldctl {
namespace {

constexpr char kFooter[] =
    "Each setting comes from its flag, else the file named by --profile, else the environment\n"
    "(HERALD_ADDR, HERALD_TOKEN, HERALD_OPERATOR_TOKEN, HERALD_TLS, HERALD_CA_FILE,\n"
    "HERALD_CLIENT_CERT, HERALD_CLIENT_KEY). Without --addr, --profile and any of these,\n"
    ".herald/dev/heraldctl.env counts, which `heraldd --dev` writes below the folder it runs in.\n"
    "Exit codes: 0 done, 1 refused or not reached, 2 wrong usage, 3 not found, 4 no answer.";

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  ConnectionFlags& connection = flags.connection;
  app.add_option("--addr", connection.addr, "Where Herald is: HOST:PORT");
  app.add_option("--token", connection.token, "API token of a tenant");
  app.add_option("--operator-token", connection.operator_token, "Token of the operator");
  app.add_option("--profile", connection.profile, "File of settings: NAME=VALUE lines or JSON");
  app.add_option("--tls", connection.tls,
                 "none or system; default: none for loopback, else system");
  app.add_option("--ca-file", connection.ca_file, "PEM file of the only certificates to trust");
  app.add_option("--client-cert", connection.client_certificate, "PEM file for mutual TLS");
  app.add_option("--client-key", connection.client_key, "PEM file for mutual TLS");
  app.add_option("--timeout", connection.timeout, "Longest duration of a call, default 10s");
  app.add_flag("--json", flags.json, "Print protobuf JSON, one object per line");
}

int Run(int argc, char** argv) {
  CLI::App app("Herald's command line for operators and developers.", "heraldctl");
  app.footer(kFooter);
  app.fallthrough();
  app.require_subcommand(1);
  GlobalFlags flags;
  Action chosen;
  AddGlobalFlags(app, flags);
  const CommandLine line{app, chosen};
  AddSendCommands(line);
  AddEmailCommands(line);
  AddWatchCommands(line);
  AddTemplateCommands(line);
  AddCategoryCommands(line);
  AddSuppressionCommands(line);
  AddContactCommands(line);
  AddSegmentCommands(line);
  AddTenantCommands(line);
  AddTokenCommands(line);
  AddProviderCommands(line);
  AddLedgerCommands(line);
  AddServiceCommands(line);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitUsage;
  }
  const Environment environment = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  Session session(flags, environment, std::cout, std::cerr);
  const absl::Status status = chosen(session);
  std::cout.flush();
  if (!status.ok()) PrintFailure(std::cerr, status, flags.json);
  if (status.ok() && !std::cout) {
    std::cerr << "heraldctl: cannot write the output; what was done is done\n";
    return kExitFailed;
  }
  return ExitCodeFor(status);
}

}  // namespace
}  // namespace herald::heraldctl

int main(int argc, char** argv) { return herald::heraldctl::Run(argc, argv); }
