#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "client/heraldctl/session.h"

namespace herald::heraldctl {

// What a command does. Prints its result; a failure is returned, not printed.
using Action = std::function<absl::Status(Session&)>;

// The command line while it is being declared: parsing it fills `chosen`.
struct CommandLine {
  CLI::App& app;
  Action& chosen;

  // Runs `action` when `command` is the one given.
  void On(CLI::App* command, Action action) const {
    command->callback([&chosen = chosen, action = std::move(action)] { chosen = action; });
  }
};

// The id of a tenant that was named by id or slug.
absl::StatusOr<std::string> ResolveTenantId(const client::Client& client,
                                            const std::string& id_or_slug);

void AddContactCommands(const CommandLine& line);   // contact …
void AddEmailCommands(const CommandLine& line);     // get list events cancel reschedule redrive
void AddLedgerCommands(const CommandLine& line);    // ledger
void AddSegmentCommands(const CommandLine& line);   // segment …
void AddSendCommands(const CommandLine& line);      // send send-test
void AddServiceCommands(const CommandLine& line);   // audit health
void AddTemplateCommands(const CommandLine& line);  // template …
void AddTenantCommands(const CommandLine& line);    // tenant …
void AddTokenCommands(const CommandLine& line);     // token …
void AddWatchCommands(const CommandLine& line);     // tail

void AddCategoryCommands(const CommandLine& line);     // category … preference …
void AddSuppressionCommands(const CommandLine& line);  // suppression …

}  // namespace herald::heraldctl
