#include <memory>
#include <ostream>
#include <set>

#include "absl/strings/str_join.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

struct TenantFlags {
  std::string name_or_id, display_name, state;
  std::vector<std::string> domains, more_domains;
  bool no_domains = false;
};

std::string StateText(const v1::Tenant& tenant) {
  return ShortName("STATE_", v1::Tenant::State_Name(tenant.state()));
}

absl::Status PrintTenant(Session& session, const absl::StatusOr<v1::Tenant>& tenant) {
  if (!tenant.ok()) return tenant.status();
  if (session.json()) {
    PrintJson(session.out(), *tenant);
    return absl::OkStatus();
  }
  Table table;
  table.Add({"id", tenant->id()});
  table.Add({"slug", tenant->slug()});
  table.Add({"name", tenant->display_name()});
  table.Add({"state", StateText(*tenant)});
  table.Add({"domains", absl::StrJoin(tenant->allowed_sender_domains(), " ")});
  table.Add({"created", FormatLocalTime(tenant->has_create_time(), tenant->create_time())});
  table.Print(session.out());
  return absl::OkStatus();
}

absl::Status Create(Session& session, const TenantFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  v1::CreateTenantRequest request;
  request.mutable_tenant()->set_slug(flags.name_or_id);
  request.mutable_tenant()->set_display_name(flags.display_name);
  request.mutable_tenant()->mutable_allowed_sender_domains()->Assign(flags.domains.begin(),
                                                                     flags.domains.end());
  return PrintTenant(session, (*client)->CreateTenant(request));
}

absl::Status Get(Session& session, const TenantFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  v1::GetTenantRequest request;
  request.set_id(flags.name_or_id);
  return PrintTenant(session, (*client)->GetTenant(request));
}

absl::Status List(Session& session) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  Table table;
  table.Add({"ID", "SLUG", "STATE", "DOMAINS", "NAME"});
  v1::ListTenantsRequest request;
  do {
    const auto page = (*client)->ListTenants(request);
    if (!page.ok()) return page.status();
    for (const v1::Tenant& tenant : page->tenants()) {
      if (session.json()) PrintJson(session.out(), tenant);
      table.Add({tenant.id(), tenant.slug(), StateText(tenant),
                 absl::StrJoin(tenant.allowed_sender_domains(), " "), tenant.display_name()});
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

absl::Status Update(Session& session, const TenantFlags& flags, bool rename) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto id = ResolveTenantId(**client, flags.name_or_id);
  if (!id.ok()) return id.status();
  v1::UpdateTenantRequest request;
  request.set_id(*id);
  if (rename) request.set_display_name(flags.display_name);
  if (flags.state == "active") request.set_state(v1::Tenant::STATE_ACTIVE);
  if (flags.state == "suspended") request.set_state(v1::Tenant::STATE_SUSPENDED);
  request.set_replace_sender_domains(flags.no_domains || !flags.domains.empty());
  request.mutable_allowed_sender_domains()->Assign(flags.domains.begin(), flags.domains.end());
  if (!flags.more_domains.empty()) {
    v1::GetTenantRequest get;
    get.set_id(*id);
    const auto tenant = (*client)->GetTenant(get);
    if (!tenant.ok()) return tenant.status();
    std::set<std::string> domains(tenant->allowed_sender_domains().begin(),
                                  tenant->allowed_sender_domains().end());
    domains.insert(flags.more_domains.begin(), flags.more_domains.end());
    request.set_replace_sender_domains(true);
    request.mutable_allowed_sender_domains()->Assign(domains.begin(), domains.end());
  }
  return PrintTenant(session, (*client)->UpdateTenant(request));
}

void AddUpdate(CLI::App* group, const CommandLine& line) {
  const auto flags = std::make_shared<TenantFlags>();
  CLI::App* update = group->add_subcommand("update", "Change a tenant; what is not given stays");
  update->add_option("TENANT", flags->name_or_id, "Id or slug")->required();
  CLI::Option* name = update->add_option("--name", flags->display_name, "New name");
  update->add_option("--state", flags->state, "active or suspended")
      ->check(CLI::IsMember({"active", "suspended"}));
  CLI::Option* domains = update
                             ->add_option("--domain", flags->domains,
                                          "Sender domain in place of all there are; repeatable")
                             ->allow_extra_args(false);
  CLI::Option* none =
      update->add_flag("--no-domains", flags->no_domains, "Take all sender domains away")
          ->excludes(domains);
  update
      ->add_option("--add-domain", flags->more_domains,
                   "Sender domain beside those there are; repeatable")
      ->allow_extra_args(false)
      ->excludes(domains)
      ->excludes(none);
  line.On(update,
          [flags, name](Session& session) { return Update(session, *flags, name->count() > 0); });
}

}  // namespace

absl::StatusOr<std::string> ResolveTenantId(const client::Client& client,
                                            const std::string& id_or_slug) {
  // A slug holds no underscore.
  if (id_or_slug.rfind("tn_", 0) == 0) return id_or_slug;
  v1::GetTenantRequest request;
  request.set_id(id_or_slug);
  const auto tenant = client.GetTenant(request);
  if (!tenant.ok()) return tenant.status();
  return tenant->id();
}

void AddTenantCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("tenant", "Tenants; needs the operator's token");
  group->require_subcommand(1);
  const auto flags = std::make_shared<TenantFlags>();

  CLI::App* create = group->add_subcommand("create", "Create a tenant");
  create->add_option("SLUG", flags->name_or_id, "Unique short name, e.g. shop")->required();
  create->add_option("--name", flags->display_name, "Name for people");
  create->add_option("--domain", flags->domains, "Domain it may send from; repeatable")
      ->allow_extra_args(false);
  line.On(create, [flags](Session& session) { return Create(session, *flags); });

  CLI::App* get = group->add_subcommand("get", "Show one tenant");
  get->add_option("TENANT", flags->name_or_id, "Id or slug")->required();
  line.On(get, [flags](Session& session) { return Get(session, *flags); });

  line.On(group->add_subcommand("list", "List the tenants"), List);
  AddUpdate(group, line);
  AddTenantRouteCommands(group, line);
  AddTenantLimits(group, line);
}

}  // namespace herald::heraldctl
