#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/client/fake_herald.h"
#include "tests/unit/client/process.h"

namespace herald::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

google::protobuf::Timestamp At(int64_t ms) {
  google::protobuf::Timestamp time;
  time.set_seconds(1'700'000'000 + ms / 1000);
  time.set_nanos(static_cast<int32_t>(ms % 1000 * 1'000'000));
  return time;
}

// Runs the built heraldctl in an empty folder against a FakeHerald; time zone UTC.
class HeraldctlTest : public testing::Test {
 protected:
  HeraldctlTest() {
    char pattern[] = "/tmp/heraldctl-test-XXXXXX";
    folder = mkdtemp(pattern);
    environment = {"TZ=UTC", "HERALD_ADDR=" + fake.target(), "HERALD_TOKEN=tenant-token",
                   "HERALD_OPERATOR_TOKEN=operator-token"};
  }
  ~HeraldctlTest() override { std::filesystem::remove_all(folder); }

  ProcessResult Run(std::vector<std::string> arguments) {
    const char* build = std::getenv("HERALD_BUILD_DIR");
    arguments.insert(arguments.begin(),
                     std::string(build == nullptr ? "." : build) + "/bin/heraldctl");
    return RunProcess(arguments, environment, folder);
  }

  ProcessResult Send(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "send",      "--to", "ann@example.com", "--from", "shop@example.com",
        "--subject", "Hi",   "--text",          "Hello"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  void WriteFile(const std::string& name, const std::string& content) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  // QUEUED → SENT → DELIVERED, as the sandbox does it.
  void ServeTimeline() {
    fake.on_events = [](const v1::ListEmailEventsRequest& request,
                        v1::ListEmailEventsResponse* response) {
      const auto add = [&](v1::EventType type, int64_t ms) {
        auto* event = response->add_events();
        event->set_email_id(request.email_id());
        event->set_type(type);
        *event->mutable_event_time() = At(ms);
        return event;
      };
      add(v1::EVENT_TYPE_ACCEPTED, 0);
      auto* sent = add(v1::EVENT_TYPE_SENT, 412);
      sent->set_provider_account("sandbox");
      sent->set_attempt(1);
      sent->set_provider_message_id("msg_1");
      add(v1::EVENT_TYPE_DELIVERED, 61'005)->set_provider_account("sandbox");
      return grpc::Status::OK;
    };
    fake.on_get = [](const v1::GetEmailRequest& request, v1::Email* email) {
      email->set_id(request.id());
      email->set_state(v1::Email::STATE_DELIVERED);
      return grpc::Status::OK;
    };
  }

  FakeHerald fake;
  std::string folder;
  std::vector<std::string> environment;
};

// As it grows, wider types may yet come.
constexpr char kGrowingTimeline[] =
    "00:00.000  ACCEPTED\n"
    "00:00.412  SENT               sandbox  attempt 1  msg_1\n"
    "01:01.005  DELIVERED          sandbox\n";

constexpr char kTimeline[] =
    "00:00.000  ACCEPTED\n"
    "00:00.412  SENT       sandbox  attempt 1  msg_1\n"
    "01:01.005  DELIVERED  sandbox\n";

TEST_F(HeraldctlTest, SendPrintsIdAndState) {
  const ProcessResult result = Send({"--key", "order:1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "em_1  QUEUED\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(fake.seen()[0].authorization, "Bearer tenant-token");
}

TEST_F(HeraldctlTest, SendSaysThatItWasAReplay) {
  fake.replay = true;
  EXPECT_EQ(Send({"--key", "order:1"}).out,
            "em_1  QUEUED  replayed: this key was accepted before\n");
}

TEST_F(HeraldctlTest, SendTakesEveryFlag) {
  v1::SendEmailRequest got;
  fake.on_send = [&got](const v1::SendEmailRequest& request, v1::Email*) {
    got = request;
    return grpc::Status::OK;
  };
  WriteFile("invoice.pdf", "PDF");
  WriteFile("vars.json", R"({"name": "Ann", "lines": [1, true]})");
  const ProcessResult result = Run({"send",
                                    "--to",
                                    "Ann <ann@example.com>",
                                    "--from",
                                    "shop@example.com",
                                    "--template",
                                    "receipt@3",
                                    "--vars",
                                    "@vars.json",
                                    "--key",
                                    "order:1",
                                    "--lane",
                                    "critical",
                                    "--category",
                                    "orders",
                                    "--send-at",
                                    "2030-01-01T00:00:00Z",
                                    "--expire-in",
                                    "10m",
                                    "--header",
                                    "X-A=b=c",
                                    "--attach",
                                    "invoice.pdf",
                                    "--metadata",
                                    "order=1",
                                    "--metadata",
                                    "shop=2",
                                    "--user",
                                    "u1",
                                    "--reply-to",
                                    "help@example.com"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(got.recipient().name(), "Ann");
  EXPECT_EQ(got.recipient().email(), "ann@example.com");
  EXPECT_EQ(got.recipient().user_id(), "u1");
  EXPECT_EQ(got.template_().key(), "receipt");
  EXPECT_EQ(got.template_().version(), 3);
  EXPECT_EQ(got.variables().fields().at("name").string_value(), "Ann");
  EXPECT_EQ(got.lane(), v1::LANE_CRITICAL);
  EXPECT_EQ(got.category(), "orders");
  EXPECT_EQ(got.expire_time().seconds() - got.send_time().seconds(), 600);
  EXPECT_EQ(got.headers().at("X-A"), "b=c");
  EXPECT_EQ(got.attachments(0).filename(), "invoice.pdf");
  EXPECT_EQ(got.attachments(0).content_type(), "application/pdf");
  EXPECT_EQ(got.metadata_size(), 2);
  EXPECT_EQ(got.reply_to(0).email(), "help@example.com");
}

TEST_F(HeraldctlTest, SendWithoutKeyExplainsWhatAKeyIs) {
  const ProcessResult result = Send({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("An idempotency key names the event"));
  EXPECT_TRUE(fake.seen().empty());
}

TEST_F(HeraldctlTest, KeyAutoMakesOneAndPrintsIt) {
  std::string key;
  fake.on_send = [&key](const v1::SendEmailRequest& request, v1::Email*) {
    key = request.idempotency_key();
    return grpc::Status::OK;
  };
  const ProcessResult result = Send({"--key", "auto"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(key.size(), std::string("heraldctl-").size() + 32);
  EXPECT_EQ(result.err, "idempotency key: " + key + "\n");
}

TEST_F(HeraldctlTest, WaitDrawsTheTimelineUpToDelivered) {
  ServeTimeline();
  const ProcessResult result = Send({"--key", "order:1", "--wait"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, std::string("em_1  QUEUED\n") + kGrowingTimeline);
}

TEST_F(HeraldctlTest, WaitFailsWhenTheEmailEndsElsewhere) {
  fake.on_get = [](const v1::GetEmailRequest&, v1::Email* email) {
    email->set_state(v1::Email::STATE_BOUNCED);
    email->set_state_reason("hard_bounce");
    return grpc::Status::OK;
  };
  const ProcessResult result = Send({"--key", "order:1", "--wait"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("em_1 ended as BOUNCED (hard_bounce), not DELIVERED"));
  EXPECT_EQ(Send({"--key", "order:1", "--wait", "sent"}).exit_code, 0);
}

TEST_F(HeraldctlTest, WaitEndsWhenItsTimeIsOver) {
  fake.on_get = [](const v1::GetEmailRequest&, v1::Email* email) {
    email->set_state(v1::Email::STATE_QUEUED);
    return grpc::Status::OK;
  };
  const ProcessResult result = Send({"--key", "order:1", "--wait", "--wait-timeout", "1ms"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("em_1 is QUEUED and not yet DELIVERED"));
}

TEST_F(HeraldctlTest, EventsDrawsTheTimeline) {
  ServeTimeline();
  EXPECT_EQ(Run({"events", "em_7"}).out,
            std::string("em_7  from 2023-11-14T22:13:20.000+00:00\n") + kTimeline);
}

TEST_F(HeraldctlTest, JsonIsOneObjectPerLine) {
  ServeTimeline();
  const std::string out = Run({"events", "em_7", "--json"}).out;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_THAT(out, HasSubstr(R"({"emailId":"em_7","type":"EVENT_TYPE_ACCEPTED",)"));
}

TEST_F(HeraldctlTest, GetAlignsTheFields) {
  fake.on_get = [](const v1::GetEmailRequest& request, v1::Email* email) {
    email->set_id(request.id());
    email->set_state(v1::Email::STATE_SENT);
    email->mutable_recipient()->set_email(request.reveal_recipient() ? "ann@example.com"
                                                                     : "a***@example.com");
    email->mutable_from()->set_email("shop@example.com");
    email->mutable_from()->set_name("Shop\x1b[2J");
    email->set_lane(v1::LANE_TRANSACTIONAL);
    *email->mutable_create_time() = At(5);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"get", "em_7"}).out,
            "id        em_7\n"
            "state     SENT\n"
            "to        a***@example.com\n"
            "from      Shop?[2J <shop@example.com>\n"
            "lane      TRANSACTIONAL\n"
            "accepted  2023-11-14T22:13:20.005+00:00\n"
            "attempts  0\n");
  EXPECT_THAT(Run({"get", "em_7", "--reveal"}).out, HasSubstr("ann@example.com"));
}

TEST_F(HeraldctlTest, ListGoesThroughThePagesUpToTheLimit) {
  std::vector<v1::ListEmailsRequest> pages;
  fake.on_list = [&pages](const v1::ListEmailsRequest& request, v1::ListEmailsResponse* response) {
    pages.push_back(request);
    auto* email = response->add_emails();
    email->set_id("em_" + std::to_string(pages.size()));
    email->set_state(v1::Email::STATE_DEAD);
    email->set_lane(v1::LANE_BULK);
    email->mutable_recipient()->set_email("a***@example.com");
    email->set_idempotency_key("order:1");
    response->set_next_page_token("p" + std::to_string(pages.size()));
    return grpc::Status::OK;
  };
  const ProcessResult result =
      Run({"list", "--state", "dead", "--state", "failed", "--limit", "2", "--since", "1h"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out,
            "ID    STATE  LANE  ACCEPTED  TO                TEMPLATE  KEY\n"
            "em_1  DEAD   BULK  -         a***@example.com            order:1\n"
            "em_2  DEAD   BULK  -         a***@example.com            order:1\n");
  EXPECT_EQ(result.err, "there are more: see --limit\n");
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages[1].page_token(), "p1");
  EXPECT_EQ(pages[1].filter().states_size(), 2);
  EXPECT_EQ(pages[0].filter().create_time_from().seconds(),
            pages[1].filter().create_time_from().seconds());
}

TEST_F(HeraldctlTest, ARefusalNamesReasonFieldsAndNextStep) {
  fake.FailNext({grpc::INVALID_ARGUMENT,
                 "the request is wrong",
                 "INVALID_REQUEST",
                 {},
                 {{"recipient.email", "not an address"}}});
  const ProcessResult result = Send({"--key", "order:1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "heraldctl: the request is wrong\n"
            "  code    INVALID_ARGUMENT\n"
            "  reason  INVALID_REQUEST\n"
            "  field   recipient.email: not an address\n"
            "  next    correct what is named above and repeat; nothing was changed\n");
}

TEST_F(HeraldctlTest, ARefusalIsOneJsonObjectWhenAskedFor) {
  fake.FailNext({grpc::ALREADY_EXISTS, "other content", "IDEMPOTENCY_KEY_REUSED"});
  const ProcessResult result = Send({"--key", "order:1", "--json"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr(R"("reason":"IDEMPOTENCY_KEY_REUSED")"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST_F(HeraldctlTest, ExitCodesTellNotFoundFromUnavailableFromUsage) {
  fake.FailNext({grpc::NOT_FOUND, "no such email", "EMAIL_NOT_FOUND"});
  EXPECT_EQ(Run({"get", "em_7"}).exit_code, 3);
  EXPECT_EQ(Run({"get", "em_7", "--addr", "127.0.0.1:1", "--timeout", "200ms"}).exit_code, 4);
  EXPECT_EQ(Run({"get"}).exit_code, 2);
  EXPECT_EQ(Run({"dance"}).exit_code, 2);
  EXPECT_EQ(Run({"list", "--lane", "fast"}).exit_code, 2);
  EXPECT_EQ(Run({"redrive"}).exit_code, 2);
  EXPECT_EQ(Run({"--help"}).exit_code, 0);
}

TEST_F(HeraldctlTest, ARedriveWithoutALimitGoesOnUntilNothingIsLeft) {
  std::vector<int> left = {1000, 7};
  fake.on_redrive_many = [&](const v1::RedriveEmailsRequest& request,
                             v1::RedriveEmailsResponse* response) {
    EXPECT_EQ(request.limit(), 1000);
    EXPECT_FALSE(left.empty());
    response->set_redriven_count(left.front());
    left.erase(left.begin());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"redrive", "--all"}).out, "1007 redriven\n");
}

TEST_F(HeraldctlTest, ASenderDomainIsAddedToThoseThereAre) {
  v1::UpdateTenantRequest seen;
  fake.on_update_tenant = [&](const v1::UpdateTenantRequest& request, v1::Tenant*) {
    seen = request;
    return grpc::Status::OK;
  };
  const std::vector<std::string> update = {"tenant", "update", "tn_1", "--operator-token", "t"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), update.begin(), update.end());
    return Run(more).exit_code;
  };
  EXPECT_EQ(with({"--add-domain", "b.example.com"}), 0);
  EXPECT_TRUE(seen.replace_sender_domains());
  EXPECT_THAT(seen.allowed_sender_domains(), ElementsAre("b.example.com", "shop.example.com"));
  EXPECT_EQ(with({"--domain", "b.example.com"}), 0);
  EXPECT_THAT(seen.allowed_sender_domains(), ElementsAre("b.example.com"));
  EXPECT_EQ(with({"--domain", "b.example.com", "--add-domain", "c.example.com"}), 2);
}

TEST_F(HeraldctlTest, OutputThatCannotBeWrittenIsNoSuccess) {
  const std::string program = std::string(std::getenv("HERALD_BUILD_DIR")) + "/bin/heraldctl";
  const ProcessResult result =
      RunProcess({"/bin/sh", "-c", program + " health >/dev/full"}, environment, folder);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write the output"));
}

TEST_F(HeraldctlTest, HealthFollowsTheServer) {
  EXPECT_EQ(Run({"health"}).out, "SERVING\n");
  fake.serving = false;
  const ProcessResult result = Run({"health"});
  EXPECT_EQ(result.out, "NOT_SERVING\n");
  EXPECT_EQ(result.exit_code, 4);
}

TEST_F(HeraldctlTest, TenantCommandsUseTheOperatorsToken) {
  const ProcessResult result = Run({"tenant", "get", "shop"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("id       tn_1\nslug     shop\n"));
  EXPECT_EQ(fake.seen()[0].authorization, "Bearer operator-token");
}

TEST_F(HeraldctlTest, TemplatePushCreatesWhatIsNotThere) {
  WriteFile("a.html", "<p>{{name}}</p>");
  const ProcessResult result =
      Run({"template", "push", "welcome", "--subject", "Hi", "--html", "a.html", "--publish"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "KEY      PUBLISHED  LATEST  CHANGED  NAME\n"
            "welcome  1          1       -\n");
}

TEST_F(HeraldctlTest, AFolderInPlaceOfAFileIsAUsageError) {
  std::filesystem::create_directory(std::filesystem::path(folder) / "pages");
  for (const ProcessResult& result :
       {Run({"template", "push", "welcome", "--subject", "Hi", "--html", "pages"}),
        Run({"send", "--key", "order:1", "--to", "ann@example.com", "--from", "shop@example.com",
             "--subject", "Hi", "--html", "@pages"})}) {
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("cannot read pages: Is a directory"));
  }
}

TEST_F(HeraldctlTest, TailPrintsEventsAndResumes) {
  fake.on_watch = [](grpc::ServerContext&, const v1::WatchEmailEventsRequest& request,
                     auto& writer) {
    v1::WatchEmailEventsResponse batch;
    auto* event = batch.add_events();
    event->set_email_id(request.cursor() == "c1" ? "em_2" : "em_1");
    event->set_type(v1::EVENT_TYPE_SENT);
    event->set_provider_account("sandbox");
    *event->mutable_event_time() = At(0);
    batch.set_cursor("c1");
    writer.Write(batch);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining");
  };
  EXPECT_EQ(Run({"tail", "--from-start", "--count", "2"}).out,
            "2023-11-14T22:13:20.000+00:00  em_1  SENT       sandbox\n"
            "2023-11-14T22:13:20.000+00:00  em_2  SENT       sandbox\n");
}

TEST_F(HeraldctlTest, RefusesWhatItWouldHaveToGuess) {
  WriteFile("mail.html", "<p>Hi</p>");
  struct {
    std::vector<std::string> command;
    const char* error;
  } cases[] = {
      {{"tenant", "set-route", "shop", "bulk"}, "what shall the route be?"},
      {{"segment", "preview", "pros", "--filter", "'pro' in tags"}, "the key of a segment, or"},
      {{"segment", "preview"}, "the key of a segment, or"},
      {{"suppression", "remove", "a@example.com", "--reason", "complaint"}, "unsubscribe"},
      {{"get", "em_7", "--tls", "none", "--ca-file", "ca.pem"}, "leave out one of them"},
      {{"get", "em_7", "--tls", "none", "--client-key", "k.pem"}, "leave out one of them"},
      {{"send", "--to", "a@example.com", "--from", "b@example.com", "--key", "k", "--subject", "Hi",
        "--html", "mail.html"},
       "--html @mail.html"},
  };
  for (const auto& [command, error] : cases) {
    const ProcessResult result = Run(command);
    EXPECT_EQ(result.exit_code, 2) << error;
    EXPECT_THAT(result.err, HasSubstr(error));
  }
  EXPECT_TRUE(fake.seen().empty());
}

// 127.1 stands for all that begins like a loopback address and is looked up as a name: where that
// leads is not ours to know. This one leads to the fake, so that a token would arrive.
TEST_F(HeraldctlTest, SendsNoTokenInTheOpenToANameThatBeginsLikeLoopback) {
  environment.emplace_back("GRPC_DNS_RESOLVER=native");
  const std::string port = fake.target().substr(fake.target().rfind(':'));
  for (const char* host : {"127.0.0.1", "ipv4:127.0.0.1"}) {
    EXPECT_EQ(Run({"get", "em_7", "--addr", host + port}).exit_code, 0) << host;
  }
  const size_t seen = fake.seen().size();
  EXPECT_NE(Run({"get", "em_7", "--addr", "127.1" + port, "--timeout", "1s"}).exit_code, 0);
  EXPECT_EQ(fake.seen().size(), seen);
}

TEST_F(HeraldctlTest, FindsTheProfileOfTheDevelopmentServer) {
  environment = {"TZ=UTC"};
  EXPECT_EQ(Run({"get", "em_7"}).exit_code, 2);
  WriteFile(".herald/dev/heraldctl.env",
            "# demo\nexport HERALD_ADDR=\"" + fake.target() + "\"\nHERALD_TOKEN=dev-token\n");
  EXPECT_EQ(Run({"get", "em_7"}).exit_code, 0);
  EXPECT_EQ(fake.seen()[0].authorization, "Bearer dev-token");
}

TEST_F(HeraldctlTest, TheProfileOfTheDevelopmentServerIsForThatServerAlone) {
  WriteFile(".herald/dev/heraldctl.env",
            "HERALD_ADDR=127.0.0.1:1\nHERALD_TOKEN=dev-token\nHERALD_OPERATOR_TOKEN=dev-token\n");
  environment = {"TZ=UTC", "HERALD_ADDR=" + fake.target()};
  EXPECT_EQ(Run({"get", "em_7"}).exit_code, 2);
  EXPECT_EQ(Run({"tenant", "get", "shop"}).exit_code, 2);
  environment = {"TZ=UTC"};
  EXPECT_EQ(Run({"get", "em_7", "--addr", fake.target()}).exit_code, 2);
  EXPECT_TRUE(fake.seen().empty());
  environment = {"TZ=UTC", "HERALD_TOKEN=tenant-token"};
  const ProcessResult result = Run({"get", "em_7"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("where is Herald?"));
}

TEST_F(HeraldctlTest, FlagsBeatNamedProfilesBeatTheEnvironment) {
  WriteFile("profile.json", R"({"HERALD_TOKEN": "profile-token"})");
  EXPECT_EQ(Run({"get", "em_7", "--profile", "profile.json"}).exit_code, 0);
  EXPECT_EQ(Run({"get", "em_7", "--profile", "profile.json", "--token", "flag-token"}).exit_code,
            0);
  EXPECT_EQ(fake.seen()[0].authorization, "Bearer profile-token");
  EXPECT_EQ(fake.seen()[1].authorization, "Bearer flag-token");
  WriteFile("broken", "HERALD_TOKEN hunter2\n");
  const ProcessResult result = Run({"get", "em_7", "--profile", "broken"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace herald::client
