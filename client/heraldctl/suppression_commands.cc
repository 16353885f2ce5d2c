// Suppressions: of a tenant or, with --global, of all.
#include <functional>
#include <memory>
#include <ostream>

#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/suppression_file.h"
#include "client/heraldctl/suppression_transfer.h"

namespace herald::heraldctl {
namespace {

constexpr int kPage = 1000;

struct SuppressionFlags {
  std::string email, reason, expire;
  bool global = false, reveal = false;
};

absl::StatusOr<const client::Client*> ClientOf(Session& session, const SuppressionFlags& flags) {
  return flags.global ? session.ForOperator() : session.ForTenant();
}

void PrintSuppressions(Session& session, const std::vector<v1::Suppression>& suppressions) {
  Table table;
  table.Add({"ID", "SCOPE", "REASON", "EMAIL", "SOURCE", "SINCE", "UNTIL"});
  for (const v1::Suppression& suppression : suppressions) {
    if (session.json()) PrintJson(session.out(), suppression);
    table.Add({suppression.id(),
               ShortName("SCOPE_", v1::Suppression::Scope_Name(suppression.scope())),
               ReasonText(suppression.reason()), Printable(suppression.email()),
               Printable(suppression.source()),
               FormatLocalTime(suppression.has_create_time(), suppression.create_time()),
               FormatLocalTime(suppression.has_expire_time(), suppression.expire_time())});
  }
  if (!session.json()) table.Print(session.out());
}

absl::Status Add(Session& session, const SuppressionFlags& flags) {
  const auto client = ClientOf(session, flags);
  if (!client.ok()) return client.status();
  v1::CreateSuppressionRequest request;
  request.set_email(flags.email);
  request.set_reason(ReasonOf(flags.reason));
  if (!flags.expire.empty()) {
    absl::Duration for_so_long;
    if (!absl::ParseDuration(flags.expire, &for_so_long)) {
      return UsageError("--for is not a duration such as 72h");
    }
    *request.mutable_expire_time() = ToProto(session.now() + for_so_long);
  }
  const auto created = flags.global ? (*client)->CreateGlobalSuppression(request)
                                    : (*client)->CreateSuppression(request);
  if (!created.ok()) return created.status();
  PrintSuppressions(session, {*created});
  return absl::OkStatus();
}

absl::Status Remove(Session& session, const SuppressionFlags& flags) {
  const auto client = ClientOf(session, flags);
  if (!client.ok()) return client.status();
  v1::DeleteSuppressionRequest request;
  request.set_email(flags.email);
  request.set_reason(ReasonOf(flags.reason));
  return flags.global ? (*client)->DeleteGlobalSuppression(request).status()
                      : (*client)->DeleteSuppression(request).status();
}

absl::Status Check(Session& session, const SuppressionFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::CheckSuppressionRequest request;
  request.set_email(flags.email);
  const auto found = (*client)->CheckSuppression(request);
  if (!found.ok()) return found.status();
  PrintSuppressions(session, {found->suppressions().begin(), found->suppressions().end()});
  return absl::OkStatus();
}

// Page after page to `on_page`, so that a list of any length needs little memory.
absl::Status ForEachPage(Session& session, const SuppressionFlags& flags,
                         const std::function<void(const v1::ListSuppressionsResponse&)>& on_page) {
  const auto client = ClientOf(session, flags);
  if (!client.ok()) return client.status();
  v1::ListSuppressionsRequest request;
  request.set_page_size(kPage);
  request.set_reason(ReasonOf(flags.reason));
  request.set_reveal_emails(flags.reveal);
  do {
    const auto page = flags.global ? (*client)->ListGlobalSuppressions(request)
                                   : (*client)->ListSuppressions(request);
    if (!page.ok()) return page.status();
    on_page(*page);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

void AddReason(CLI::App* command, std::string& reason, const char* what = "Why") {
  command->add_option("--reason", reason, what)
      ->check(CLI::IsMember(
          {"hard_bounce", "complaint", "unsubscribe", "manual", "soft_bounce_limit", "provider"}));
}

void AddGlobal(CLI::App* command, bool& global) {
  command->add_flag("--global", global, "For every tenant; needs the operator's token");
}

void AddLists(CLI::App* group, const CommandLine& line,
              const std::shared_ptr<SuppressionFlags>& flags) {
  CLI::App* list = group->add_subcommand("list", "List suppressions, newest first");
  AddReason(list, flags->reason);
  AddGlobal(list, flags->global);
  list->add_flag("--reveal", flags->reveal, "Show addresses in full; audited");
  line.On(list, [flags](Session& session) {
    return ForEachPage(session, *flags, [&](const auto& page) {
      PrintSuppressions(session, {page.suppressions().begin(), page.suppressions().end()});
    });
  });
}

void AddTransfers(CLI::App* group, const CommandLine& line) {
  const auto from = std::make_shared<SuppressionImportFlags>();
  CLI::App* import = group->add_subcommand("import", "Suppress the addresses in a file");
  import
      ->add_option("FILE", from->path,
                   "CSV with the columns email, reason, expire_time; - for standard input")
      ->required();
  AddReason(import, from->reason, "Of rows without one; default manual");
  import->add_option("--skip-rows", from->skip_rows, "Go on behind so many rows");
  line.On(import, [from](Session& session) { return ImportSuppressions(session, *from); });

  const auto to = std::make_shared<SuppressionExportFlags>();
  CLI::App* export_ = group->add_subcommand("export", "Write suppressions to a file; audited");
  export_->add_option("FILE", to->path, "CSV, as import reads it; - for standard output")
      ->required();
  AddReason(export_, to->reason, "Only these");
  AddGlobal(export_, to->global);
  line.On(export_, [to](Session& session) { return ExportSuppressions(session, *to); });
}

}  // namespace

void AddSuppressionCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("suppression", "Addresses that get no email");
  group->require_subcommand(1);
  const auto flags = std::make_shared<SuppressionFlags>();

  CLI::App* add = group->add_subcommand("add", "Suppress an address");
  add->add_option("EMAIL", flags->email, "Address")->required();
  AddReason(add, flags->reason);
  AddGlobal(add, flags->global);
  add->add_option("--for", flags->expire, "Only for so long, e.g. 72h");
  line.On(add, [flags](Session& session) { return Add(session, *flags); });

  CLI::App* remove = group->add_subcommand(
      "remove", "Lift what stops all mail to an address, whatever the reason");
  remove->add_option("EMAIL", flags->email, "Address")->required();
  remove
      ->add_option(
          "--reason", flags->reason,
          "unsubscribe: lift the owner's unsubscribe instead, for which you need their word")
      ->check(CLI::IsMember({"unsubscribe"}));
  AddGlobal(remove, flags->global);
  line.On(remove, [flags](Session& session) { return Remove(session, *flags); });

  CLI::App* check = group->add_subcommand("check", "Show what stops mail to an address");
  check->add_option("EMAIL", flags->email, "Address")->required();
  line.On(check, [flags](Session& session) { return Check(session, *flags); });
  AddLists(group, line, flags);
  AddTransfers(group, line);
}

}  // namespace herald::heraldctl
