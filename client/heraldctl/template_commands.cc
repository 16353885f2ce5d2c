#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

struct TemplateFlags {
  std::string key, display_name, subject, html_file, text_file, vars;
  int version = 0;
  bool publish = false;
};

std::string VersionText(int version) { return version == 0 ? "-" : absl::StrCat(version); }

void AddRow(Table& table, const v1::Template& found) {
  table.Add({found.key(), VersionText(found.published_version()),
             VersionText(found.latest_version()),
             FormatLocalTime(found.has_update_time(), found.update_time()), found.display_name()});
}

absl::Status PrintTemplate(Session& session, const absl::StatusOr<v1::Template>& found) {
  if (!found.ok()) return found.status();
  Table table;
  table.Add({"KEY", "PUBLISHED", "LATEST", "CHANGED", "NAME"});
  AddRow(table, *found);
  session.json() ? PrintJson(session.out(), *found) : table.Print(session.out());
  return absl::OkStatus();
}

absl::StatusOr<v1::TemplateContent> BuildContent(const TemplateFlags& flags) {
  v1::TemplateContent content;
  content.set_subject(flags.subject);
  if (flags.html_file.empty() && flags.text_file.empty()) {
    return UsageError("a template needs --html FILE or --text FILE");
  }
  if (!flags.html_file.empty()) {
    auto html = ReadFile(flags.html_file);
    if (!html.ok()) return html.status();
    content.set_html(*std::move(html));
  }
  if (!flags.text_file.empty()) {
    auto text = ReadFile(flags.text_file);
    if (!text.ok()) return text.status();
    content.set_text(*std::move(text));
  }
  return content;
}

// A new version where the template exists, otherwise the template.
absl::Status Push(Session& session, const TemplateFlags& flags) {
  auto content = BuildContent(flags);
  if (!content.ok()) return content.status();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::GetTemplateRequest get;
  get.set_key(flags.key);
  const auto existing = (*client)->GetTemplate(get);
  if (existing.ok()) {
    v1::CreateTemplateVersionRequest request;
    request.set_template_key(flags.key);
    *request.mutable_content() = *std::move(content);
    request.set_publish(flags.publish);
    const auto version = (*client)->CreateTemplateVersion(request);
    if (!version.ok()) return version.status();
    return PrintTemplate(session, (*client)->GetTemplate(get));
  }
  if (!absl::IsNotFound(existing.status())) return existing.status();
  v1::CreateTemplateRequest request;
  request.set_key(flags.key);
  request.set_display_name(flags.display_name);
  *request.mutable_content() = *std::move(content);
  request.set_unpublished(!flags.publish);
  return PrintTemplate(session, (*client)->CreateTemplate(request));
}

absl::Status List(Session& session) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  Table table;
  table.Add({"KEY", "PUBLISHED", "LATEST", "CHANGED", "NAME"});
  v1::ListTemplatesRequest request;
  do {
    const auto page = (*client)->ListTemplates(request);
    if (!page.ok()) return page.status();
    for (const v1::Template& found : page->templates()) {
      session.json() ? PrintJson(session.out(), found) : AddRow(table, found);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

void PrintVersion(std::ostream& out, const v1::TemplateVersion& version) {
  Table table;
  table.Add({"key", version.template_key()});
  table.Add({"version", absl::StrCat(version.version())});
  table.Add({"created", FormatLocalTime(version.has_create_time(), version.create_time())});
  table.Add({"subject", version.content().subject()});
  for (const v1::TemplateVariable& variable : version.content().variables()) {
    table.Add({"variable",
               absl::StrCat(variable.name(), " ",
                            ShortName("TYPE_", v1::TemplateVariable::Type_Name(variable.type())),
                            variable.required() ? " required" : "")});
  }
  table.Print(out);
  if (!version.content().html().empty()) out << "--- html\n" << version.content().html() << "\n";
  if (!version.content().text().empty()) out << "--- text\n" << version.content().text() << "\n";
}

// The template, then the version asked for: the published one, or the latest where none is.
absl::Status Get(Session& session, const TemplateFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::GetTemplateRequest get;
  get.set_key(flags.key);
  const auto found = (*client)->GetTemplate(get);
  if (const auto status = PrintTemplate(session, found); !status.ok()) return status;
  v1::GetTemplateVersionRequest request;
  request.set_template_key(flags.key);
  const bool is_published = found->published_version() != 0;
  request.set_version(flags.version != 0 || is_published ? flags.version : found->latest_version());
  const auto version = (*client)->GetTemplateVersion(request);
  if (!version.ok()) return version.status();
  if (session.json()) {
    PrintJson(session.out(), *version);
  } else {
    session.out() << "\n";
    PrintVersion(session.out(), *version);
  }
  return absl::OkStatus();
}

absl::Status Publish(Session& session, const TemplateFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::PublishTemplateVersionRequest request;
  request.set_template_key(flags.key);
  request.set_version(flags.version);
  return PrintTemplate(session, (*client)->PublishTemplateVersion(request));
}

absl::Status Preview(Session& session, const TemplateFlags& flags) {
  v1::RenderTemplateRequest request;
  auto reference = ParseTemplate(flags.key);
  if (!reference.ok()) return reference.status();
  *request.mutable_template_() = *std::move(reference);
  if (!flags.vars.empty()) {
    auto variables = ParseVariables(flags.vars);
    if (!variables.ok()) return variables.status();
    *request.mutable_variables() = *std::move(variables);
  }
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  const auto rendered = (*client)->RenderTemplate(request);
  if (!rendered.ok()) return rendered.status();
  if (session.json()) {
    PrintJson(session.out(), *rendered);
  } else {
    session.out() << "subject  " << Printable(rendered->subject()) << "\n--- html\n"
                  << rendered->html() << "\n--- text\n"
                  << rendered->text() << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddTemplateCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("template", "Templates and their versions");
  group->require_subcommand(1);
  const auto flags = std::make_shared<TemplateFlags>();
  const auto add = [&](const char* name, const char* description) {
    CLI::App* command = group->add_subcommand(name, description);
    command->add_option("KEY", flags->key, "Key of the template, e.g. order-confirmation")
        ->required();
    return command;
  };

  CLI::App* push = add("push", "Create a template, or a new version where it exists");
  push->add_option("--subject", flags->subject, "Subject, in mustache")->required();
  push->add_option("--html", flags->html_file, "FILE with the HTML part, in mustache");
  push->add_option("--text", flags->text_file, "FILE with the text part, in mustache");
  push->add_option("--name", flags->display_name, "Name for people, of a new template");
  push->add_flag("--publish", flags->publish, "Use it for new emails at once");
  line.On(push, [flags](Session& session) { return Push(session, *flags); });

  line.On(group->add_subcommand("list", "List the templates"), List);

  CLI::App* get = add("get", "Show a template and one of its versions");
  get->add_option("--version", flags->version, "Default: the published one");
  line.On(get, [flags](Session& session) { return Get(session, *flags); });

  CLI::App* publish = add("publish", "Make a version the one that new emails use");
  publish->add_option("VERSION", flags->version, "An older one rolls back")->required();
  line.On(publish, [flags](Session& session) { return Publish(session, *flags); });

  CLI::App* preview = add("preview", "Render KEY or KEY@VERSION without sending");
  preview->add_option("--vars", flags->vars, "Values: JSON or @FILE");
  line.On(preview, [flags](Session& session) { return Preview(session, *flags); });
}

}  // namespace herald::heraldctl
