#include <memory>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/contact_transfer.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

// What create and update take; `given` tells which were on the command line.
struct ContactFlags {
  std::string contact, email, name, user_id, locale, time_zone, attributes, state, filter;
  std::vector<std::string> tags;
  bool reveal = false;
  int limit = 50;
};

absl::Status PrintContact(Session& session, const absl::StatusOr<v1::Contact>& contact) {
  if (!contact.ok()) return contact.status();
  if (session.json()) {
    PrintJson(session.out(), *contact);
    return absl::OkStatus();
  }
  Table table;
  table.Add({"id", contact->id()});
  table.Add({"email", Printable(contact->email())});
  table.Add({"name", Printable(contact->name())});
  table.Add({"user", Printable(contact->user_id())});
  table.Add({"locale", contact->locale()});
  table.Add({"time zone", contact->time_zone()});
  table.Add({"state", ShortName("STATE_", v1::Contact::State_Name(contact->state()))});
  table.Add({"tags", absl::StrJoin(contact->tags(), " ")});
  table.Add({"attributes", Printable(contact->attributes().ShortDebugString())});
  table.Add({"created", FormatLocalTime(contact->has_create_time(), contact->create_time())});
  table.Add({"changed", FormatLocalTime(contact->has_update_time(), contact->update_time())});
  table.Print(session.out());
  return absl::OkStatus();
}

// The fields that were given, in `contact`; their names, when asked for, in `mask`.
absl::Status Fill(const CLI::App& command, const ContactFlags& flags, v1::Contact& contact,
                  google::protobuf::FieldMask* mask) {
  const auto given = [&](const char* option, const char* path) {
    const bool is = command.count(option) > 0;
    if (is && mask != nullptr) mask->add_paths(path);
    return is;
  };
  if (given("--email", "email")) contact.set_email(flags.email);
  if (given("--name", "name")) contact.set_name(flags.name);
  if (given("--user", "user_id")) contact.set_user_id(flags.user_id);
  if (given("--locale", "locale")) contact.set_locale(flags.locale);
  if (given("--time-zone", "time_zone")) contact.set_time_zone(flags.time_zone);
  if (given("--tag", "tags")) {
    for (const std::string& tag : flags.tags) {
      if (!tag.empty()) contact.add_tags(tag);
    }
  }
  if (given("--attributes", "attributes")) {
    auto attributes = ParseVariables(flags.attributes);
    if (!attributes.ok()) return attributes.status();
    *contact.mutable_attributes() = *std::move(attributes);
  }
  if (given("--state", "state")) {
    v1::Contact::State state;
    if (!v1::Contact::State_Parse(absl::StrCat("STATE_", absl::AsciiStrToUpper(flags.state)),
                                  &state)) {
      return UsageError("a state is subscribed or unsubscribed");
    }
    contact.set_state(state);
  }
  return absl::OkStatus();
}

absl::Status Create(Session& session, const CLI::App& command, const ContactFlags& flags) {
  v1::CreateContactRequest request;
  absl::Status filled = Fill(command, flags, *request.mutable_contact(), nullptr);
  if (!filled.ok()) return filled;
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return PrintContact(session, (*client)->CreateContact(request));
}

absl::Status Get(Session& session, const ContactFlags& flags) {
  v1::GetContactRequest request;
  if (absl::StrContains(flags.contact, '@')) {
    request.set_email(flags.contact);
  } else {
    request.set_id(flags.contact);
  }
  request.set_reveal_email(flags.reveal);
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return PrintContact(session, (*client)->GetContact(request));
}

absl::Status Update(Session& session, const CLI::App& command, const ContactFlags& flags) {
  v1::UpdateContactRequest request;
  request.mutable_contact()->set_id(flags.contact);
  absl::Status filled =
      Fill(command, flags, *request.mutable_contact(), request.mutable_update_mask());
  if (!filled.ok()) return filled;
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return PrintContact(session, (*client)->UpdateContact(request));
}

absl::Status Delete(Session& session, const ContactFlags& flags) {
  v1::DeleteContactRequest request;
  request.set_id(flags.contact);
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return (*client)->DeleteContact(request).status();
}

absl::Status List(Session& session, const ContactFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  Table table;
  table.Add({"ID", "EMAIL", "NAME", "STATE", "TAGS", "CREATED"});
  v1::ListContactsRequest request;
  request.set_filter(flags.filter);
  request.set_reveal_email(flags.reveal);
  int left = flags.limit;
  do {
    request.set_page_size(std::min(left, 500));
    const auto page = (*client)->ListContacts(request);
    if (!page.ok()) return page.status();
    for (const v1::Contact& contact : page->contacts()) {
      if (session.json()) {
        PrintJson(session.out(), contact);
        continue;
      }
      table.Add({contact.id(), Printable(contact.email()), Printable(contact.name()),
                 ShortName("STATE_", v1::Contact::State_Name(contact.state())),
                 absl::StrJoin(contact.tags(), " "),
                 FormatLocalTime(contact.has_create_time(), contact.create_time())});
    }
    left -= page->contacts_size();
    request.set_page_token(page->next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

void AddFieldOptions(CLI::App* command, ContactFlags& flags) {
  command->add_option("--name", flags.name, "Display name");
  command->add_option("--user", flags.user_id, "Your own id of the user");
  command->add_option("--locale", flags.locale, "Language tag, e.g. pt-BR");
  command->add_option("--time-zone", flags.time_zone, "E.g. America/Sao_Paulo");
  command->add_option("--tag", flags.tags, "A tag; may be given again");
  command->add_option("--attributes", flags.attributes, "JSON object, or @FILE");
  command->add_option("--state", flags.state, "subscribed or unsubscribed");
}

void AddTransferCommands(const CommandLine& line, CLI::App* group) {
  const auto from = std::make_shared<ImportFlags>();
  CLI::App* import = group->add_subcommand("import", "Create or update contacts from a file");
  import->add_option("FILE", from->path, "CSV or JSON lines; - for standard input")->required();
  import->add_option("--format", from->format, "csv or jsonl; default: by the file's name");
  import->add_option("--skip-rows", from->skip_rows, "Go on behind so many rows");
  line.On(import, [from](Session& session) { return ImportContacts(session, *from); });

  const auto to = std::make_shared<ExportFlags>();
  CLI::App* export_ = group->add_subcommand("export", "Write contacts to a file");
  export_->add_option("FILE", to->path, "CSV or JSON lines; - for standard output")->required();
  export_->add_option("--format", to->format, "csv or jsonl; default: by the file's name");
  export_->add_option("--filter", to->filter, "Which contacts, see docs/filters.md");
  export_->add_flag("--reveal", to->reveal, "Addresses in full; audited");
  line.On(export_, [to](Session& session) { return ExportContacts(session, *to); });
}

}  // namespace

void AddContactCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("contact", "Whom you may write to");
  group->require_subcommand(1);
  const auto flags = std::make_shared<ContactFlags>();

  CLI::App* create = group->add_subcommand("create", "Create a contact");
  create->add_option("--email", flags->email, "Address")->required();
  AddFieldOptions(create, *flags);
  line.On(create, [flags, create](Session& session) { return Create(session, *create, *flags); });

  CLI::App* get = group->add_subcommand("get", "Show a contact");
  get->add_option("CONTACT", flags->contact, "Id (co_…) or address")->required();
  get->add_flag("--reveal", flags->reveal, "The address in full; audited");
  line.On(get, [flags](Session& session) { return Get(session, *flags); });

  CLI::App* update = group->add_subcommand("update", "Change what is given, an empty text clears");
  update->add_option("CONTACT", flags->contact, "Id (co_…)")->required();
  update->add_option("--email", flags->email, "New address");
  AddFieldOptions(update, *flags);
  line.On(update, [flags, update](Session& session) { return Update(session, *update, *flags); });

  CLI::App* remove = group->add_subcommand("delete", "Delete a contact");
  remove->add_option("CONTACT", flags->contact, "Id (co_…)")->required();
  line.On(remove, [flags](Session& session) { return Delete(session, *flags); });

  CLI::App* list = group->add_subcommand("list", "List contacts, newest first");
  list->add_option("--filter", flags->filter, "Which contacts, see docs/filters.md");
  list->add_option("--limit", flags->limit, "At most so many, default 50");
  list->add_flag("--reveal", flags->reveal, "Addresses in full; audited");
  line.On(list, [flags](Session& session) { return List(session, *flags); });

  AddTransferCommands(line, group);
}

}  // namespace herald::heraldctl
