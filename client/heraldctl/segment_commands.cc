#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

struct SegmentFlags {
  std::string key, display_name, filter;
  int sample = 10;
};

void AddRow(Table& table, const v1::Segment& segment) {
  table.Add({segment.key(), FormatLocalTime(segment.has_update_time(), segment.update_time()),
             Printable(segment.display_name()), Printable(segment.filter())});
}

absl::Status PrintSegment(Session& session, const absl::StatusOr<v1::Segment>& segment) {
  if (!segment.ok()) return segment.status();
  Table table;
  table.Add({"KEY", "CHANGED", "NAME", "FILTER"});
  AddRow(table, *segment);
  session.json() ? PrintJson(session.out(), *segment) : table.Print(session.out());
  return absl::OkStatus();
}

absl::Status Create(Session& session, const SegmentFlags& flags) {
  v1::CreateSegmentRequest request;
  request.mutable_segment()->set_key(flags.key);
  request.mutable_segment()->set_display_name(flags.display_name);
  request.mutable_segment()->set_filter(flags.filter);
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return PrintSegment(session, (*client)->CreateSegment(request));
}

absl::Status Get(Session& session, const SegmentFlags& flags) {
  v1::GetSegmentRequest request;
  request.set_key(flags.key);
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return PrintSegment(session, (*client)->GetSegment(request));
}

absl::Status Update(Session& session, const CLI::App& command, const SegmentFlags& flags) {
  v1::UpdateSegmentRequest request;
  request.mutable_segment()->set_key(flags.key);
  request.mutable_segment()->set_display_name(flags.display_name);
  request.mutable_segment()->set_filter(flags.filter);
  if (command.count("--name") > 0) request.mutable_update_mask()->add_paths("display_name");
  if (command.count("--filter") > 0) request.mutable_update_mask()->add_paths("filter");
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return PrintSegment(session, (*client)->UpdateSegment(request));
}

absl::Status Delete(Session& session, const SegmentFlags& flags) {
  v1::DeleteSegmentRequest request;
  request.set_key(flags.key);
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  return (*client)->DeleteSegment(request).status();
}

absl::Status List(Session& session) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  Table table;
  table.Add({"KEY", "CHANGED", "NAME", "FILTER"});
  v1::ListSegmentsRequest request;
  do {
    const auto page = (*client)->ListSegments(request);
    if (!page.ok()) return page.status();
    for (const v1::Segment& segment : page->segments()) {
      session.json() ? PrintJson(session.out(), segment) : AddRow(table, segment);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!session.json()) table.Print(session.out());
  return absl::OkStatus();
}

absl::Status Preview(Session& session, const CLI::App& command, const SegmentFlags& flags) {
  const bool filtered = command.count("--filter") > 0;
  if (filtered == (command.count("KEY") > 0)) {
    return UsageError("preview takes the key of a segment, or --filter");
  }
  v1::PreviewSegmentRequest request;
  if (filtered) {
    request.set_filter(flags.filter);
  } else {
    request.set_key(flags.key);
  }
  request.set_sample_size(flags.sample);
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  const auto preview = (*client)->PreviewSegment(request);
  if (!preview.ok()) return preview.status();
  if (session.json()) {
    PrintJson(session.out(), *preview);
    return absl::OkStatus();
  }
  session.out() << (preview->exact() ? "" : "about ") << preview->contact_count() << " contacts\n";
  Table table;
  for (const v1::Contact& contact : preview->sample()) {
    table.Add({contact.id(), Printable(contact.email()), Printable(contact.name())});
  }
  table.Print(session.out());
  return absl::OkStatus();
}

}  // namespace

void AddSegmentCommands(const CommandLine& line) {
  CLI::App* group = line.app.add_subcommand("segment", "Saved filters over contacts");
  group->require_subcommand(1);
  const auto flags = std::make_shared<SegmentFlags>();
  const auto add = [&](const char* name, const char* description, bool filter_too) {
    CLI::App* command = group->add_subcommand(name, description);
    command->add_option("KEY", flags->key, "Key of the segment, e.g. active-pros")->required();
    if (filter_too) {
      command->add_option("--name", flags->display_name, "Name for people");
      command->add_option("--filter", flags->filter, "Which contacts, see docs/filters.md");
    }
    return command;
  };

  CLI::App* create = add("create", "Save a filter", true);
  create->get_option("--filter")->required();
  line.On(create, [flags](Session& session) { return Create(session, *flags); });
  CLI::App* update = add("update", "Change what is given", true);
  line.On(update, [flags, update](Session& session) { return Update(session, *update, *flags); });
  line.On(add("get", "Show a segment", false),
          [flags](Session& session) { return Get(session, *flags); });
  line.On(add("delete", "Delete a segment; its contacts stay", false),
          [flags](Session& session) { return Delete(session, *flags); });
  line.On(group->add_subcommand("list", "List the segments"), List);

  CLI::App* preview = group->add_subcommand("preview", "Count who is in it, and show some");
  preview->add_option("KEY", flags->key, "Key of a segment, unless --filter is given");
  preview->add_option("--filter", flags->filter, "A filter that is not saved; '' for everybody");
  preview->add_option("--sample", flags->sample, "Contacts to show, default 10");
  line.On(preview,
          [flags, preview](Session& session) { return Preview(session, *preview, *flags); });
}

}  // namespace herald::heraldctl
