#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"
#include "client/heraldctl/timeline.h"

namespace herald::heraldctl {
namespace {

constexpr int kPageSizeMax = 500;
constexpr int kRedrivesOfCall = 1000;  // while there are more

struct FilterFlags {
  std::string recipient, user, template_key, category, lane, key, since, until;
  std::vector<std::string> states;
};

void AddFilterFlags(CLI::App* command, FilterFlags& flags) {
  command->add_option("--recipient", flags.recipient, "Address of the recipient");
  command->add_option("--user", flags.user, "Your own id of the recipient");
  command->add_option("--template", flags.template_key, "Key of the template");
  command->add_option("--category", flags.category, "Category");
  command->add_option("--lane", flags.lane, "critical, transactional, standard or bulk");
  command->add_option("--key", flags.key, "Idempotency key");
  command->add_option("--since", flags.since, "Accepted then or later: RFC 3339, or 1h ago as 1h");
  command->add_option("--until", flags.until, "Accepted before: RFC 3339, or 1h ago as 1h");
}

absl::StatusOr<v1::EmailFilter> BuildFilter(const FilterFlags& flags, absl::Time now) {
  v1::EmailFilter filter;
  filter.set_recipient_email(flags.recipient);
  filter.set_user_id(flags.user);
  filter.set_template_key(flags.template_key);
  filter.set_category(flags.category);
  filter.set_idempotency_key(flags.key);
  if (!flags.lane.empty()) {
    const auto lane = ParseLane(flags.lane);
    if (!lane.ok()) return lane.status();
    filter.set_lane(*lane);
  }
  for (const std::string& text : flags.states) {
    const auto state = ParseState(text);
    if (!state.ok()) return state.status();
    filter.add_states(*state);
  }
  if (!flags.since.empty()) {
    const auto since = ParsePastTime(flags.since, now);
    if (!since.ok()) return since.status();
    *filter.mutable_create_time_from() = ToProto(*since);
  }
  if (!flags.until.empty()) {
    const auto until = ParsePastTime(flags.until, now);
    if (!until.ok()) return until.status();
    *filter.mutable_create_time_to() = ToProto(*until);
  }
  return filter;
}

std::string StateText(const v1::Email& email) {
  return ShortName("STATE_", v1::Email::State_Name(email.state()));
}

std::string TemplateText(const v1::Email& email) {
  if (!email.has_template_()) return "";
  return absl::StrCat(email.template_().key(), "@", email.template_().version());
}

// "Name <address>", or the address alone.
std::string Named(const std::string& name, const std::string& address) {
  return name.empty() ? address : absl::StrCat(name, " <", address, ">");
}

void PrintEmail(Session& session, const v1::Email& email) {
  if (session.json()) return PrintJson(session.out(), email);
  Table table;
  const auto add = [&table](const char* name, const std::string& value) {
    if (!value.empty()) table.Add({name, value});
  };
  add("id", email.id());
  add("state", StateText(email));
  add("reason", email.state_reason());
  add("to", Named(email.recipient().name(), email.recipient().email()));
  add("user", email.recipient().user_id());
  add("from", Named(email.from().name(), email.from().email()));
  add("template", TemplateText(email));
  add("lane", ShortName("LANE_", v1::Lane_Name(email.lane())));
  add("category", email.category());
  add("key", email.idempotency_key());
  const auto add_time = [&add](const char* name, bool present, const auto& time) {
    if (present) add(name, FormatLocalTime(FromProto(time)));
  };
  add_time("accepted", email.has_create_time(), email.create_time());
  add_time("changed", email.has_update_time(), email.update_time());
  add_time("send at", email.has_send_time(), email.send_time());
  add_time("expires", email.has_expire_time(), email.expire_time());
  add("attempts", absl::StrCat(email.attempt_count()));
  add("provider", email.provider_account());
  add("message id", email.provider_message_id());
  add("test", email.test() ? "yes" : "");
  add("trace", email.trace_id());
  for (const auto& [name, value] : email.metadata()) add("metadata", name + "=" + value);
  table.Print(session.out());
}

absl::Status PrintResult(Session& session, const absl::StatusOr<v1::Email>& email) {
  if (!email.ok()) return email.status();
  PrintEmail(session, *email);
  return absl::OkStatus();
}

absl::Status Get(Session& session, const std::string& id, bool reveal) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::GetEmailRequest request;
  request.set_id(id);
  request.set_reveal_recipient(reveal);
  return PrintResult(session, (*client)->GetEmail(request));
}

void AddRow(Table& table, const v1::Email& email) {
  table.Add({email.id(), StateText(email), ShortName("LANE_", v1::Lane_Name(email.lane())),
             FormatLocalTime(email.has_create_time(), email.create_time()),
             email.recipient().email(), TemplateText(email), email.idempotency_key()});
}

absl::Status List(Session& session, const FilterFlags& flags, int limit) {
  auto filter = BuildFilter(flags, session.now());
  if (!filter.ok()) return filter.status();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::ListEmailsRequest request;
  *request.mutable_filter() = *std::move(filter);
  Table table;
  table.Add({"ID", "STATE", "LANE", "ACCEPTED", "TO", "TEMPLATE", "KEY"});
  int left = limit;
  do {
    request.set_page_size(std::min(left, kPageSizeMax));
    const auto page = (*client)->ListEmails(request);
    if (!page.ok()) return page.status();
    for (const v1::Email& email : page->emails()) {
      session.json() ? PrintJson(session.out(), email) : AddRow(table, email);
    }
    left -= page->emails_size();
    request.set_page_token(page->next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (!session.json()) table.Print(session.out());
  if (!request.page_token().empty()) session.err() << "there are more: see --limit\n";
  return absl::OkStatus();
}

absl::Status Events(Session& session, const std::string& id) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::ListEmailEventsRequest request;
  request.set_email_id(id);
  const auto timeline = (*client)->ListEmailEvents(request);
  if (!timeline.ok()) return timeline.status();
  if (!session.json()) {
    PrintTimeline(session.out(), *timeline);
    return absl::OkStatus();
  }
  for (const auto& event : timeline->events()) PrintJson(session.out(), event);
  return absl::OkStatus();
}

absl::Status Cancel(Session& session, const std::string& id) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::CancelEmailRequest request;
  request.set_id(id);
  return PrintResult(session, (*client)->CancelEmail(request));
}

absl::Status Reschedule(Session& session, const std::string& id, const std::string& send_at) {
  const auto send_time = ParseTime(send_at, session.now());
  if (!send_time.ok()) return send_time.status();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::RescheduleEmailRequest request;
  request.set_id(id);
  *request.mutable_send_time() = ToProto(*send_time);
  return PrintResult(session, (*client)->RescheduleEmail(request));
}

struct RedriveFlags {
  std::string id;
  FilterFlags filter;
  bool all = false;
  int limit = 0;
};

absl::Status Redrive(Session& session, const RedriveFlags& flags) {
  auto filter = BuildFilter(flags.filter, session.now());
  if (!filter.ok()) return filter.status();
  const bool filtered = filter->ByteSizeLong() > 0;
  if ((flags.id.empty() ? 0 : 1) + (filtered ? 1 : 0) + (flags.all ? 1 : 0) != 1) {
    return UsageError("redrive takes the id of a DEAD email, or a filter, or --all");
  }
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  if (!flags.id.empty()) {
    v1::RedriveEmailRequest request;
    request.set_id(flags.id);
    return PrintResult(session, (*client)->RedriveEmail(request));
  }
  v1::RedriveEmailsRequest request;
  *request.mutable_filter() = *std::move(filter);
  request.set_limit(flags.limit == 0 ? kRedrivesOfCall : flags.limit);
  v1::RedriveEmailsResponse sum;
  absl::StatusOr<v1::RedriveEmailsResponse> response;
  do {
    response = (*client)->RedriveEmails(request);
    if (!response.ok()) break;
    sum.set_redriven_count(sum.redriven_count() + response->redriven_count());
  } while (flags.limit == 0 && response->redriven_count() >= kRedrivesOfCall);
  if (session.json()) {
    PrintJson(session.out(), sum);
  } else {
    session.out() << sum.redriven_count() << " redriven\n";
  }
  return response.status();
}

void AddReadCommands(const CommandLine& line) {
  const auto id = std::make_shared<std::string>();
  const auto reveal = std::make_shared<bool>(false);
  CLI::App* get = line.app.add_subcommand("get", "Show one email");
  get->add_option("ID", *id, "Id of the email")->required();
  get->add_flag("--reveal", *reveal, "Show the recipient's address in full; audited");
  line.On(get, [id, reveal](Session& session) { return Get(session, *id, *reveal); });

  CLI::App* events = line.app.add_subcommand("events", "Show the timeline of an email");
  events->add_option("ID", *id, "Id of the email")->required();
  line.On(events, [id](Session& session) { return Events(session, *id); });

  const auto filter = std::make_shared<FilterFlags>();
  const auto limit = std::make_shared<int>(50);
  CLI::App* list = line.app.add_subcommand("list", "List emails, newest first");
  AddFilterFlags(list, *filter);
  list->add_option("--state", filter->states, "One of these states; repeatable")
      ->allow_extra_args(false);
  list->add_option("--limit", *limit, "At most so many, default 50")->check(CLI::PositiveNumber);
  line.On(list, [filter, limit](Session& session) { return List(session, *filter, *limit); });
}

void AddChangeCommands(const CommandLine& line) {
  const auto id = std::make_shared<std::string>();
  CLI::App* cancel = line.app.add_subcommand("cancel", "Stop an email before it is handed over");
  cancel->add_option("ID", *id, "Id of the email")->required();
  line.On(cancel, [id](Session& session) { return Cancel(session, *id); });

  const auto send_at = std::make_shared<std::string>();
  CLI::App* reschedule = line.app.add_subcommand("reschedule", "Change when an email is sent");
  reschedule->add_option("ID", *id, "Id of the email")->required();
  reschedule->add_option("--send-at", *send_at, "RFC 3339, or 10m from now")->required();
  line.On(reschedule,
          [id, send_at](Session& session) { return Reschedule(session, *id, *send_at); });

  const auto redrive = std::make_shared<RedriveFlags>();
  CLI::App* command = line.app.add_subcommand("redrive", "Put DEAD emails back into the queue");
  command->add_option("ID", redrive->id, "Id of the email");
  AddFilterFlags(command, redrive->filter);
  command->add_flag("--all", redrive->all, "Every DEAD email of the tenant");
  command->add_option("--limit", redrive->limit, "At most so many, to 10000; default: all");
  line.On(command, [redrive](Session& session) { return Redrive(session, *redrive); });
}

}  // namespace

void AddEmailCommands(const CommandLine& line) {
  AddReadCommands(line);
  AddChangeCommands(line);
}

}  // namespace herald::heraldctl
