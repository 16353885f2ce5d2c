#include <memory>
#include <ostream>

#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

constexpr int kPageSizeMax = 500;

absl::Status Audit(Session& session, const std::string& tenant, int limit) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  v1::ListAuditEntriesRequest request;
  if (!tenant.empty()) {
    const auto id = ResolveTenantId(**client, tenant);
    if (!id.ok()) return id.status();
    request.set_tenant_id(*id);
  }
  Table table;
  table.Add({"TIME", "ACTOR", "ACTION", "TARGET", "TENANT"});
  int left = limit;
  do {
    request.set_page_size(std::min(left, kPageSizeMax));
    const auto page = (*client)->ListAuditEntries(request);
    if (!page.ok()) return page.status();
    for (const v1::AuditEntry& entry : page->entries()) {
      if (session.json()) PrintJson(session.out(), entry);
      table.Add({FormatLocalTime(entry.has_create_time(), entry.create_time()), entry.actor(),
                 entry.action(), entry.target(), entry.tenant_id()});
    }
    left -= page->entries_size();
    request.set_page_token(page->next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

absl::Status Health(Session& session, const std::string& service) {
  const auto client = session.WithoutToken();
  if (!client.ok()) return client.status();
  const auto serving = (*client)->IsServing(service);
  if (!serving.ok()) return serving.status();
  const char* text = *serving ? "SERVING" : "NOT_SERVING";
  if (session.json()) {
    session.out() << "{\"status\":\"" << text << "\"}\n";
  } else {
    session.out() << text << "\n";
  }
  if (!*serving) return absl::UnavailableError("the server runs but takes no calls at the moment");
  return absl::OkStatus();
}

}  // namespace

void AddServiceCommands(const CommandLine& line) {
  const auto tenant = std::make_shared<std::string>();
  const auto limit = std::make_shared<int>(50);
  CLI::App* audit =
      line.app.add_subcommand("audit", "Who changed what; needs the operator's token");
  audit->add_option("--tenant", *tenant, "Only of this tenant: id or slug");
  audit->add_option("--limit", *limit, "At most so many, default 50")->check(CLI::PositiveNumber);
  line.On(audit, [tenant, limit](Session& session) { return Audit(session, *tenant, *limit); });

  const auto service = std::make_shared<std::string>();
  CLI::App* health = line.app.add_subcommand("health", "Ask whether the server takes calls");
  health->add_option("SERVICE", *service, "E.g. herald.v1.EmailService; default: all of it");
  line.On(health, [service](Session& session) { return Health(session, *service); });
}

}  // namespace herald::heraldctl
