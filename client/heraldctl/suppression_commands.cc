// Suppressions: of a tenant or, with --global, of all.
#include <unistd.h>

#include <fstream>
#include <functional>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

constexpr int kBatch = 1000;

struct SuppressionFlags {
  std::string email, reason, file, expire;
  bool global = false, reveal = false;
};

v1::Suppression::Reason ReasonOf(absl::string_view text) {
  v1::Suppression::Reason reason = v1::Suppression::REASON_UNSPECIFIED;
  v1::Suppression::Reason_Parse(absl::StrCat("REASON_", absl::AsciiStrToUpper(text)), &reason);
  return reason;
}

std::string ReasonText(const v1::Suppression& suppression) {
  return absl::AsciiStrToLower(
      ShortName("REASON_", v1::Suppression::Reason_Name(suppression.reason())));
}

absl::StatusOr<const client::Client*> ClientOf(Session& session, const SuppressionFlags& flags) {
  return flags.global ? session.ForOperator() : session.ForTenant();
}

void PrintSuppressions(Session& session, const std::vector<v1::Suppression>& suppressions) {
  Table table;
  table.Add({"ID", "SCOPE", "REASON", "EMAIL", "SOURCE", "SINCE", "UNTIL"});
  for (const v1::Suppression& suppression : suppressions) {
    if (session.json()) PrintJson(session.out(), suppression);
    table.Add(
        {suppression.id(), ShortName("SCOPE_", v1::Suppression::Scope_Name(suppression.scope())),
         ReasonText(suppression), Printable(suppression.email()), Printable(suppression.source()),
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
  request.set_page_size(kBatch);
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

// A line that is rewritten in place, on a terminal.
void Progress(Session& session, absl::string_view what, int64_t count, bool last) {
  if (isatty(STDERR_FILENO) == 0 && !last) return;
  session.err() << "\r" << what << " " << count << (last ? "\n" : "") << std::flush;
}

// "email,reason" a line, the form that import reads.
absl::Status Export(Session& session, SuppressionFlags flags) {
  flags.reveal = true;
  std::ofstream file(flags.file);
  if (!file) return UsageError(absl::StrCat("cannot write ", flags.file));
  int64_t count = 0;
  const absl::Status status = ForEachPage(session, flags, [&](const auto& page) {
    for (const v1::Suppression& suppression : page.suppressions()) {
      file << suppression.email() << "," << ReasonText(suppression) << "\n";
      ++count;
    }
    Progress(session, "exported", count, page.next_page_token().empty());
  });
  file.flush();
  if (status.ok() && !file) return absl::DataLossError(absl::StrCat("cannot write ", flags.file));
  return status;
}

absl::Status SendBatch(Session& session, const client::Client& client,
                       v1::ImportSuppressionsRequest& batch, int64_t first_line,
                       v1::ImportSuppressionsResponse& total) {
  if (batch.suppressions().empty()) return absl::OkStatus();
  const auto imported = client.ImportSuppressions(batch);
  if (!imported.ok()) return imported.status();
  total.set_created_count(total.created_count() + imported->created_count());
  total.set_known_count(total.known_count() + imported->known_count());
  for (const auto& error : imported->errors()) {
    session.err() << "line " << first_line + error.row() << ": "
                  << Printable(error.error().message()) << "\n";
    total.add_errors()->set_row(error.row());
  }
  batch.clear_suppressions();
  return absl::OkStatus();
}

// Lines "email" or "email,reason"; call by call, so that a broken import is simply run again.
absl::Status Import(Session& session, const SuppressionFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  std::ifstream file(flags.file);
  if (!file) return UsageError(absl::StrCat("cannot read ", flags.file));
  v1::ImportSuppressionsRequest batch;
  v1::ImportSuppressionsResponse total;
  int64_t line_number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(absl::StripAsciiWhitespace(line), absl::MaxSplits(',', 1));
    v1::CreateSuppressionRequest& row = *batch.add_suppressions();
    row.set_email(std::string(absl::StripAsciiWhitespace(parts.first)));
    const absl::string_view reason = absl::StripAsciiWhitespace(parts.second);
    row.set_reason(ReasonOf(reason.empty() ? absl::string_view(flags.reason) : reason));
    ++line_number;
    if (batch.suppressions_size() < kBatch) continue;
    const absl::Status sent =
        SendBatch(session, **client, batch, line_number - batch.suppressions_size() + 1, total);
    if (!sent.ok()) return sent;
    Progress(session, "imported", line_number, false);
  }
  const absl::Status sent =
      SendBatch(session, **client, batch, line_number - batch.suppressions_size() + 1, total);
  if (!sent.ok()) return sent;
  session.out() << total.created_count() << " new, " << total.known_count() << " known, "
                << total.errors_size() << " refused\n";
  return absl::OkStatus();
}

void AddReason(CLI::App* command, const std::shared_ptr<SuppressionFlags>& flags) {
  command->add_option("--reason", flags->reason)
      ->check(CLI::IsMember(
          {"hard_bounce", "complaint", "unsubscribe", "manual", "soft_bounce_limit", "provider"}));
}

void AddGlobal(CLI::App* command, const std::shared_ptr<SuppressionFlags>& flags) {
  command->add_flag("--global", flags->global, "For every tenant; needs the operator's token");
}

void AddLists(CLI::App* group, const CommandLine& line,
              const std::shared_ptr<SuppressionFlags>& flags) {
  CLI::App* list = group->add_subcommand("list", "List suppressions, newest first");
  AddReason(list, flags);
  AddGlobal(list, flags);
  list->add_flag("--reveal", flags->reveal, "Show addresses in full; audited");
  line.On(list, [flags](Session& session) {
    return ForEachPage(session, *flags, [&](const auto& page) {
      PrintSuppressions(session, {page.suppressions().begin(), page.suppressions().end()});
    });
  });
  CLI::App* import = group->add_subcommand("import", "Suppress the addresses in a file");
  import->add_option("FILE", flags->file, "Lines: ADDRESS or ADDRESS,REASON")->required();
  AddReason(import, flags);
  line.On(import, [flags](Session& session) { return Import(session, *flags); });
  CLI::App* export_ = group->add_subcommand("export", "Write suppressions to a file; audited");
  export_->add_option("FILE", flags->file, "Gets lines ADDRESS,REASON")->required();
  AddReason(export_, flags);
  AddGlobal(export_, flags);
  line.On(export_, [flags](Session& session) { return Export(session, *flags); });
}

}  // namespace

void AddSuppressionCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("suppression", "Addresses that get no email");
  group->require_subcommand(1);
  const auto flags = std::make_shared<SuppressionFlags>();

  CLI::App* add = group->add_subcommand("add", "Suppress an address");
  add->add_option("EMAIL", flags->email, "Address")->required();
  AddReason(add, flags);
  AddGlobal(add, flags);
  add->add_option("--for", flags->expire, "Only for so long, e.g. 72h");
  line.On(add, [flags](Session& session) { return Add(session, *flags); });

  CLI::App* remove = group->add_subcommand("remove", "Lift a suppression");
  remove->add_option("EMAIL", flags->email, "Address")->required();
  AddReason(remove, flags);
  AddGlobal(remove, flags);
  line.On(remove, [flags](Session& session) { return Remove(session, *flags); });

  CLI::App* check = group->add_subcommand("check", "Show what stops mail to an address");
  check->add_option("EMAIL", flags->email, "Address")->required();
  line.On(check, [flags](Session& session) { return Check(session, *flags); });
  AddLists(group, line, flags);
}

}  // namespace herald::heraldctl
