#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/commands.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/follow.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"
#include "client/heraldctl/send_request.h"

namespace herald::heraldctl {
namespace {

struct WaitFlags {
  CLI::Option* option = nullptr;  // owned by the command
  std::string state;
  std::string patience = "60s";
};

struct SendCommand {
  SendFlags send;
  WaitFlags wait;
};

void AddWaitFlags(CLI::App* command, WaitFlags& wait) {
  wait.option = command->add_option("--wait", wait.state,
                                    "Follow the timeline up to a state, default delivered");
  wait.option->expected(0, 1);
  command->add_option("--wait-timeout", wait.patience, "How long to follow, default 60s");
}

void PrintAccepted(Session& session, const client::SendResult& result) {
  if (session.json()) {
    PrintJson(session.out(), result.email);
  } else {
    session.out() << result.email.id() << "  "
                  << ShortName("STATE_", v1::Email::State_Name(result.email.state()))
                  << (result.replayed ? "  replayed: this key was accepted before" : "") << "\n";
  }
  session.out().flush();
}

// Where to wait for, checked before anything is sent.
struct WaitPlan {
  bool wait = false;
  v1::Email::State state = v1::Email::STATE_DELIVERED;
  absl::Duration patience;
};

absl::StatusOr<WaitPlan> PlanWait(const WaitFlags& flags) {
  WaitPlan plan;
  plan.wait = flags.option->count() > 0;
  const auto patience = ParseDuration(flags.patience);
  if (!patience.ok()) return patience.status();
  plan.patience = *patience;
  if (!flags.state.empty()) {
    const auto state = ParseState(flags.state);
    if (!state.ok()) return state.status();
    plan.state = *state;
  }
  return plan;
}

absl::Status Finish(Session& session, const client::Client& client,
                    const absl::StatusOr<client::SendResult>& result, const WaitPlan& plan) {
  if (!result.ok()) return result.status();
  PrintAccepted(session, *result);
  if (!plan.wait) return absl::OkStatus();
  return FollowUntil(session, client, result->email.id(), plan.state, plan.patience);
}

void AnnounceKey(Session& session, const std::string& flag, const client::IdempotencyKey& key) {
  if (flag == "auto") session.err() << "idempotency key: " << key.value() << "\n";
}

absl::Status Send(Session& session, const SendCommand& command) {
  const auto key = ChooseKey(command.send.key);
  if (!key.ok()) return key.status();
  auto request = BuildSendRequest(command.send, session.now());
  if (!request.ok()) return request.status();
  const auto plan = PlanWait(command.wait);
  if (!plan.ok()) return plan.status();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  AnnounceKey(session, command.send.key, *key);
  return Finish(session, **client, (*client)->SendEmail(*key, *std::move(request)), *plan);
}

absl::Status SendTest(Session& session, const SendCommand& command) {
  const SendFlags& flags = command.send;
  const auto key = ChooseKey(flags.key);
  if (!key.ok()) return key.status();
  // Its flags are a subset of those of `send`, and mean the same.
  const auto parts = BuildSendRequest(flags, session.now());
  if (!parts.ok()) return parts.status();
  const auto plan = PlanWait(command.wait);
  if (!plan.ok()) return plan.status();
  v1::SendTestEmailRequest request;
  *request.mutable_template_() = parts->template_();
  *request.mutable_variables() = parts->variables();
  *request.mutable_from() = parts->from();
  *request.mutable_recipient() = parts->recipient();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  AnnounceKey(session, flags.key, *key);
  return Finish(session, **client, (*client)->SendTestEmail(*key, std::move(request)), *plan);
}

void AddCommonFlags(CLI::App* command, SendFlags& flags) {
  command->add_option("--to", flags.to, "Recipient: ADDRESS or \"Name <ADDRESS>\"")->required();
  command->add_option("--user", flags.user_id, "Your own id of the recipient");
  command->add_option("--from", flags.from, "Sender, written like --to")->required();
  command->add_option("--vars", flags.vars, "Values for the template: JSON or @FILE");
  command->add_option("--key", flags.key, "Idempotency key: names the event; or auto");
}

}  // namespace

void AddSendCommands(const CommandLine& line) {
  const auto send = std::make_shared<SendCommand>();
  CLI::App* command = line.app.add_subcommand("send", "Send one email");
  SendFlags& flags = send->send;
  AddCommonFlags(command, flags);
  command->add_option("--template", flags.template_reference, "KEY or KEY@VERSION");
  command->add_option("--subject", flags.subject, "Subject of inline content");
  command->add_option("--text", flags.text, "Text of inline content, or @FILE");
  command->add_option("--html", flags.html, "HTML of inline content, or @FILE");
  command->add_option("--lane", flags.lane, "critical, transactional, standard or bulk");
  command->add_option("--category", flags.category, "What it is about, e.g. order_updates");
  command->add_option("--send-at", flags.send_at, "Not before: RFC 3339, or 10m from now");
  command->add_option("--expire-in", flags.expire_in, "Not later than this after sending is due");
  command->add_option("--reply-to", flags.reply_to, "Where answers go; repeatable")
      ->allow_extra_args(false);
  command->add_option("--header", flags.headers, "NAME=VALUE; repeatable")->allow_extra_args(false);
  command->add_option("--attach", flags.attachments, "FILE; repeatable")->allow_extra_args(false);
  command->add_option("--metadata", flags.metadata, "NAME=VALUE; repeatable")
      ->allow_extra_args(false);
  AddWaitFlags(command, send->wait);
  line.On(command, [send](Session& session) { return Send(session, *send); });

  const auto test = std::make_shared<SendCommand>();
  command = line.app.add_subcommand("send-test", "Send a template version to one recipient");
  AddCommonFlags(command, test->send);
  command->add_option("--template", test->send.template_reference, "KEY or KEY@VERSION")
      ->required();
  AddWaitFlags(command, test->wait);
  line.On(command, [test](Session& session) { return SendTest(session, *test); });
}

}  // namespace herald::heraldctl
