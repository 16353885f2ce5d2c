#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

struct TokenFlags {
  std::string tenant, id, display_name, mode = "live", expire_in;
  std::vector<std::string> scopes, allowed;
};

std::string ScopesText(const v1::ApiToken& token) {
  return absl::StrJoin(token.scopes(), " ", [](std::string* out, int scope) {
    out->append(ShortName("SCOPE_", v1::ApiToken::Scope_Name(scope)));
  });
}

std::string ModeText(const v1::ApiToken& token) {
  return ShortName("MODE_", v1::ApiToken::Mode_Name(token.mode()));
}

absl::StatusOr<v1::CreateApiTokenRequest> BuildCreate(const TokenFlags& flags, absl::Time now) {
  v1::CreateApiTokenRequest request;
  request.set_display_name(flags.display_name);
  v1::ApiToken::Mode mode = v1::ApiToken::MODE_UNSPECIFIED;
  v1::ApiToken::Mode_Parse("MODE_" + absl::AsciiStrToUpper(flags.mode), &mode);
  request.set_mode(mode);
  for (const std::string& text : flags.scopes) {
    v1::ApiToken::Scope scope = v1::ApiToken::SCOPE_UNSPECIFIED;
    v1::ApiToken::Scope_Parse("SCOPE_" + absl::AsciiStrToUpper(text), &scope);
    request.add_scopes(scope);
  }
  request.mutable_allowed_recipients()->Assign(flags.allowed.begin(), flags.allowed.end());
  if (!flags.expire_in.empty()) {
    const auto life = ParseDuration(flags.expire_in);
    if (!life.ok()) return life.status();
    *request.mutable_expire_time() = ToProto(now + *life);
  }
  return request;
}

absl::Status Create(Session& session, const TokenFlags& flags) {
  auto request = BuildCreate(flags, session.now());
  if (!request.ok()) return request.status();
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto tenant = ResolveTenantId(**client, flags.tenant);
  if (!tenant.ok()) return tenant.status();
  request->set_tenant_id(*tenant);
  const auto created = (*client)->CreateApiToken(*request);
  if (!created.ok()) return created.status();
  if (session.json()) {
    PrintJson(session.out(), *created);
    return absl::OkStatus();
  }
  Table table;
  table.Add({"id", created->api_token().id()});
  table.Add({"mode", ModeText(created->api_token())});
  table.Add({"scopes", ScopesText(created->api_token())});
  table.Add({"secret", created->secret()});
  table.Print(session.out());
  session.err() << "Keep the secret now: it is not stored and cannot be shown again.\n";
  return absl::OkStatus();
}

void AddRow(Table& table, const v1::ApiToken& token) {
  table.Add({token.id(), ModeText(token), ScopesText(token),
             FormatLocalTime(token.has_create_time(), token.create_time()),
             FormatLocalTime(token.has_expire_time(), token.expire_time()),
             FormatLocalTime(token.has_revoke_time(), token.revoke_time()), token.display_name()});
}

void PrintTokens(Session& session, const std::vector<v1::ApiToken>& tokens) {
  Table table;
  table.Add({"ID", "MODE", "SCOPES", "CREATED", "EXPIRES", "REVOKED", "NAME"});
  for (const v1::ApiToken& token : tokens) {
    session.json() ? PrintJson(session.out(), token) : AddRow(table, token);
  }
  if (!session.json()) table.Print(session.out());
}

absl::Status List(Session& session, const TokenFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto tenant = ResolveTenantId(**client, flags.tenant);
  if (!tenant.ok()) return tenant.status();
  v1::ListApiTokensRequest request;
  request.set_tenant_id(*tenant);
  const auto tokens = (*client)->ListApiTokens(request);
  if (!tokens.ok()) return tokens.status();
  PrintTokens(session, {tokens->api_tokens().begin(), tokens->api_tokens().end()});
  return absl::OkStatus();
}

absl::Status Revoke(Session& session, const TokenFlags& flags) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  const auto tenant = ResolveTenantId(**client, flags.tenant);
  if (!tenant.ok()) return tenant.status();
  v1::RevokeApiTokenRequest request;
  request.set_tenant_id(*tenant);
  request.set_id(flags.id);
  const auto token = (*client)->RevokeApiToken(request);
  if (!token.ok()) return token.status();
  PrintTokens(session, {*token});
  return absl::OkStatus();
}

}  // namespace

void AddTokenCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("token", "API tokens; needs the operator's token");
  group->require_subcommand(1);
  const auto flags = std::make_shared<TokenFlags>();
  const auto add = [&](const char* name, const char* description) {
    CLI::App* command = group->add_subcommand(name, description);
    command->add_option("TENANT", flags->tenant, "Id or slug of the tenant")->required();
    return command;
  };

  CLI::App* create = add("create", "Create a token and print its secret, once");
  create->add_option("--name", flags->display_name, "Name for people");
  create->add_option("--mode", flags->mode, "live (default), test or restricted")
      ->check(CLI::IsMember({"live", "test", "restricted"}));
  create->add_option("--scope", flags->scopes, "send, read or manage; repeatable")
      ->required()
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"send", "read", "manage"}));
  create->add_option("--allow", flags->allowed, "restricted: an address or @domain; repeatable")
      ->allow_extra_args(false);
  create->add_option("--expire-in", flags->expire_in, "Stop working after, e.g. 720h");
  line.On(create, [flags](Session& session) { return Create(session, *flags); });

  line.On(add("list", "List a tenant's tokens"),
          [flags](Session& session) { return List(session, *flags); });

  CLI::App* revoke = add("revoke", "Revoke a token for good");
  revoke->add_option("ID", flags->id, "Id of the token")->required();
  line.On(revoke, [flags](Session& session) { return Revoke(session, *flags); });
}

}  // namespace herald::heraldctl
