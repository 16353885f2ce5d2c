// Categories, and what recipients have chosen.
#include <memory>
#include <ostream>

#include "absl/strings/match.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

struct CategoryFlags {
  std::string key, display_name, description, kind, default_choice;
};

struct PreferenceFlags {
  std::string subject;
  std::vector<std::string> in, out, reset;
  bool unsubscribe = false, resubscribe = false;
};

void AddRow(Table& table, const v1::Category& category) {
  table.Add({category.key(), ShortName("KIND_", v1::Category::Kind_Name(category.kind())),
             category.default_out() ? "out" : "in", category.display_name()});
}

absl::Status PrintCategories(Session& session, const std::vector<v1::Category>& categories) {
  Table table;
  table.Add({"KEY", "KIND", "DEFAULT", "NAME"});
  for (const v1::Category& category : categories) {
    if (session.json()) PrintJson(session.out(), category);
    AddRow(table, category);
  }
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

absl::Status PrintCategory(Session& session, const absl::StatusOr<v1::Category>& category) {
  if (!category.ok()) return category.status();
  return PrintCategories(session, {*category});
}

absl::Status Create(Session& session, const CategoryFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::CreateCategoryRequest request;
  v1::Category& category = *request.mutable_category();
  category.set_key(flags.key);
  category.set_display_name(flags.display_name.empty() ? flags.key : flags.display_name);
  category.set_description(flags.description);
  category.set_kind(flags.kind == "marketing" ? v1::Category::KIND_MARKETING
                                              : v1::Category::KIND_TRANSACTIONAL);
  category.set_default_out(flags.default_choice == "out");
  return PrintCategory(session, (*client)->CreateCategory(request));
}

absl::Status Update(Session& session, const CategoryFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::UpdateCategoryRequest request;
  v1::Category& category = *request.mutable_category();
  category.set_key(flags.key);
  if (!flags.display_name.empty()) {
    category.set_display_name(flags.display_name);
    request.mutable_update_mask()->add_paths("display_name");
  }
  if (!flags.description.empty()) {
    category.set_description(flags.description);
    request.mutable_update_mask()->add_paths("description");
  }
  if (!flags.default_choice.empty()) {
    category.set_default_out(flags.default_choice == "out");
    request.mutable_update_mask()->add_paths("default_out");
  }
  if (request.update_mask().paths().empty()) return UsageError("nothing to change was given");
  return PrintCategory(session, (*client)->UpdateCategory(request));
}

absl::Status List(Session& session) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  const auto listed = (*client)->ListCategories({});
  if (!listed.ok()) return listed.status();
  return PrintCategories(session, {listed->categories().begin(), listed->categories().end()});
}

absl::Status Delete(Session& session, const CategoryFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::DeleteCategoryRequest request;
  request.set_key(flags.key);
  return (*client)->DeleteCategory(request).status();
}

v1::PreferenceSubject SubjectOf(const std::string& text) {
  v1::PreferenceSubject subject;
  if (absl::StrContains(text, '@')) {
    subject.set_email(text);
  } else {
    subject.set_user_id(text);
  }
  return subject;
}

absl::Status PrintPreferences(Session& session, const absl::StatusOr<v1::Preferences>& held) {
  if (!held.ok()) return held.status();
  if (session.json()) {
    PrintJson(session.out(), *held);
    return absl::OkStatus();
  }
  session.out() << "unsubscribed from marketing: " << (held->unsubscribed() ? "yes" : "no") << "\n";
  Table table;
  table.Add({"CATEGORY", "CHOICE", "RECEIVES"});
  for (const v1::CategoryPreference& preference : held->categories()) {
    const auto choice = preference.choice();
    table.Add({preference.category(),
               choice == v1::CategoryPreference::CHOICE_UNSPECIFIED
                   ? "default"
                   : ShortName("CHOICE_", v1::CategoryPreference::Choice_Name(choice)),
               preference.receives() ? "yes" : "no"});
  }
  table.Print(session.out());
  return absl::OkStatus();
}

absl::Status GetPreferences(Session& session, const PreferenceFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::GetPreferencesRequest request;
  *request.mutable_subject() = SubjectOf(flags.subject);
  return PrintPreferences(session, (*client)->GetPreferences(request));
}

absl::Status SetPreferences(Session& session, const PreferenceFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::SetPreferencesRequest request;
  *request.mutable_subject() = SubjectOf(flags.subject);
  if (flags.unsubscribe || flags.resubscribe) request.set_unsubscribed(flags.unsubscribe);
  const auto add = [&](const std::vector<std::string>& keys,
                       v1::CategoryPreference::Choice choice) {
    for (const std::string& key : keys) {
      v1::CategoryPreference& preference = *request.add_categories();
      preference.set_category(key);
      preference.set_choice(choice);
    }
  };
  add(flags.in, v1::CategoryPreference::CHOICE_IN);
  add(flags.out, v1::CategoryPreference::CHOICE_OUT);
  add(flags.reset, v1::CategoryPreference::CHOICE_UNSPECIFIED);
  return PrintPreferences(session, (*client)->SetPreferences(request));
}

void AddTexts(CLI::App* command, const std::shared_ptr<CategoryFlags>& flags) {
  command->add_option("KEY", flags->key, "The category, e.g. newsletter")->required();
  command->add_option("--name", flags->display_name, "Name shown to recipients");
  command->add_option("--description", flags->description, "One sentence shown below it");
  command->add_option("--default", flags->default_choice, "For those who have not chosen")
      ->check(CLI::IsMember({"in", "out"}));
}

void AddPreferenceCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("preference", "What recipients want");
  group->require_subcommand(1);
  const auto flags = std::make_shared<PreferenceFlags>();
  CLI::App* get = group->add_subcommand("get", "Show what an address or a user wants");
  get->add_option("SUBJECT", flags->subject, "Address, or user id")->required();
  line.On(get, [flags](Session& session) { return GetPreferences(session, *flags); });

  CLI::App* set = group->add_subcommand("set", "Change it; what is not named stays");
  set->add_option("SUBJECT", flags->subject, "Address, or user id")->required();
  set->add_option("--in", flags->in, "Category to get; repeatable")->allow_extra_args(false);
  set->add_option("--out", flags->out, "Category to leave; repeatable")->allow_extra_args(false);
  set->add_option("--reset", flags->reset, "Category back to its default; repeatable")
      ->allow_extra_args(false);
  CLI::Option* leave = set->add_flag("--unsubscribe", flags->unsubscribe, "Leave all marketing");
  set->add_flag("--resubscribe", flags->resubscribe, "Come back to marketing")->excludes(leave);
  line.On(set, [flags](Session& session) { return SetPreferences(session, *flags); });
}

}  // namespace

void AddCategoryCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("category", "What email is about");
  group->require_subcommand(1);
  const auto flags = std::make_shared<CategoryFlags>();

  CLI::App* create = group->add_subcommand("create", "Declare a category");
  AddTexts(create, flags);
  create->add_option("--kind", flags->kind, "transactional or marketing; never changes")
      ->check(CLI::IsMember({"transactional", "marketing"}))
      ->required();
  line.On(create, [flags](Session& session) { return Create(session, *flags); });

  CLI::App* update = group->add_subcommand("update", "Change a category; what is not given stays");
  AddTexts(update, flags);
  line.On(update, [flags](Session& session) { return Update(session, *flags); });

  line.On(group->add_subcommand("list", "List the categories"), List);

  CLI::App* remove = group->add_subcommand("delete", "Delete a category: it takes no new email");
  remove->add_option("KEY", flags->key, "The category")->required();
  line.On(remove, [flags](Session& session) { return Delete(session, *flags); });
  AddPreferenceCommands(line);
}

}  // namespace herald::heraldctl
