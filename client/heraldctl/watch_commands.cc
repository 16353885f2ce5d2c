#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/timeline.h"

namespace herald::heraldctl {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr size_t kTypeWidth = 9;

struct TailFlags {
  std::string cursor;
  bool from_start = false;
  bool show_cursor = false;
  int count = 0;
};

void PrintEvent(Session& session, const v1::EmailEvent& event) {
  if (session.json()) return PrintJson(session.out(), event);
  session.out() << FormatLocalTime(FromProto(event.event_time())) << "  " << event.email_id()
                << "  " << DescribeEvent(event, kTypeWidth) << "\n";
}

absl::Status Tail(Session& session, const TailFlags& flags) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  client::WatchOptions watch;
  watch.cursor = flags.cursor;
  watch.from_now = flags.cursor.empty() && !flags.from_start;
  watch.patience = kPatience;
  int left = flags.count;
  return (*client)->WatchEmailEvents(watch, [&](const v1::WatchEmailEventsResponse& batch) {
    for (const v1::EmailEvent& event : batch.events()) {
      PrintEvent(session, event);
      if (flags.count > 0 && --left == 0) return false;
    }
    if (flags.show_cursor && !batch.events().empty()) {
      session.err() << "cursor " << batch.cursor() << "\n";
    }
    session.out().flush();
    return session.out().good();  // nobody reads on: the pipe is closed
  });
}

}  // namespace

void AddWatchCommands(const CommandLine& line) {
  const auto flags = std::make_shared<TailFlags>();
  CLI::App* tail =
      line.app.add_subcommand("tail", "Print the events of all emails as they happen, from now on");
  tail->add_option("--cursor", flags->cursor, "Resume after this cursor");
  tail->add_flag("--from-start", flags->from_start, "Begin with the oldest event kept");
  tail->add_flag("--show-cursor", flags->show_cursor, "Print cursors to standard error");
  tail->add_option("--count", flags->count, "End after so many events")->check(CLI::PositiveNumber);
  line.On(tail, [flags](Session& session) { return Tail(session, *flags); });
}

}  // namespace herald::heraldctl
