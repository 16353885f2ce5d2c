// Herald and parties that nobody here wrote: buf, @grpc/grpc-js, svix.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using ::testing::HasSubstr;

class Interop : public ::testing::Test {
 protected:
  // Skips the case unless this file of a package is there.
  void Need(const std::string& file) const {
    if (!std::filesystem::exists(absl::StrCat(folder_, "/node_modules/", file))) {
      GTEST_SKIP() << file << " is missing: it needs node, and npm install in tests/interop";
    }
  }
  absl::StatusOr<std::string> Run(std::vector<std::string> argv) const {
    support::ChildOptions options;
    options.argv = std::move(argv);
    options.directory = source_;
    return support::RunToEnd(options, absl::Seconds(60));
  }
  absl::StatusOr<std::string> Buf(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), folder_ + "/node_modules/.bin/buf");
    return Run(std::move(arguments));
  }
  absl::StatusOr<std::string> BufCurl(const std::string& path,
                                      std::vector<std::string> further) const {
    std::vector<std::string> arguments = {
        "curl",     "--protocol",
        "grpc",     "--http2-prior-knowledge",
        "--header", absl::StrCat("authorization: Bearer ", tenant_.token())};
    arguments.insert(arguments.end(), further.begin(), further.end());
    arguments.push_back(absl::StrCat("http://", Stack::Shared().address(), path));
    return Buf(std::move(arguments));
  }

  const std::string source_ = FromEnvironment("HERALD_SOURCE_DIR");
  const std::string folder_ = source_ + "/tests/interop";
  const Tenant tenant_{"interop"};
};

// The id behind `"id":` or after `prefix` in what a program printed.
std::string EmailIdIn(absl::string_view text) {
  const size_t at = text.find("em_");
  if (at == absl::string_view::npos) return "";
  text.remove_prefix(at);
  return std::string(text.substr(0, text.find_first_of("\" \r\n")));
}

TEST_F(Interop, BufListsTheServicesByReflection) {
  ASSERT_NO_FATAL_FAILURE(Need("@bufbuild/buf"));
  if (IsSkipped()) return;
  ASSERT_OK_AND_ASSIGN(const std::string listed, BufCurl("", {"--list-services"}));
  for (const char* service :
       {"herald.v1.EmailService", "herald.v1.TemplateService", "herald.v1.TenantService",
        "herald.v1.DeliveryEventService", "grpc.health.v1.Health"}) {
    EXPECT_THAT(listed, HasSubstr(service));
  }
}

TEST_F(Interop, BufSendsAnEmail) {
  Need("@bufbuild/buf");
  if (IsSkipped()) return;
  const std::string request = absl::StrCat(
      R"({"idempotencyKey":"buf:1","recipient":{"email":"delivered@sandbox.herald.test"},)",
      R"("from":{"email":")", tenant_.sender(), R"("},"inline":{"subject":"Hi","text":"Hi"}})");
  ASSERT_OK_AND_ASSIGN(const std::string answer,
                       BufCurl("/herald.v1.EmailService/SendEmail", {"--data", request}));
  tenant_.Await(EmailIdIn(answer), v1::Email::STATE_DELIVERED);
}

TEST_F(Interop, BufFindsNothingWrongWithTheProtos) {
  Need("@bufbuild/buf");
  if (IsSkipped()) return;
  EXPECT_OK(Buf({"lint", "proto"}));
}

TEST_F(Interop, GrpcJsSendsReadsErrorsAndReplays) {
  Need("@grpc/grpc-js");
  if (IsSkipped()) return;
  ASSERT_OK_AND_ASSIGN(
      const std::string printed,
      Run({"node", "tests/interop/grpc_js.js", "--addr", Stack::Shared().address(), "--token",
           tenant_.token(), "--from", tenant_.sender(), "--to", "delivered@sandbox.herald.test"}));
  EXPECT_THAT(printed, HasSubstr("refused INVALID_REQUEST recipient.email"));
  EXPECT_THAT(printed, HasSubstr("herald-replayed=true"));
  tenant_.Await(EmailIdIn(printed), v1::Email::STATE_DELIVERED);
}

class InteropSvix : public Interop {
 protected:
  void SetUp() override { Need("svix"); }

  // Signs with Svix's own library and posts to the sidecar; the HTTP status.
  std::string Post(const std::string& secret, const std::string& payload, const std::string& id,
                   const std::string& age_seconds = "0") const {
    const auto status = Run({"node", "tests/interop/svix_sign.js", Stack::Shared().webhook_url(),
                             secret, payload, id, age_seconds});
    EXPECT_OK(status);
    return std::string(absl::StripAsciiWhitespace(status.value_or("")));
  }
  std::string Secret() const {
    const std::string file = Stack::Shared().Read("webhook-secret");
    return std::string(absl::StripAsciiWhitespace(file));
  }
  // As Resend reports that an email was opened.
  std::string Opened(const v1::Email& email) const {
    return absl::StrCat(R"({"type":"email.opened","created_at":")",
                        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
                        R"(","data":{"email_id":")", email.provider_message_id(),
                        R"(","tags":{"herald_email_id":")", email.id(), R"(","herald_tenant_id":")",
                        tenant_.id(), R"("}}})");
  }
  double Refused(absl::string_view reason) const {
    const std::string series =
        absl::StrCat("herald_webhook_refused_total{account=\"sandbox\",reason=\"", reason, "\"} ");
    const std::string page = Stack::Shared().WebhookMetrics();
    double value = 0;
    for (absl::string_view line : absl::StrSplit(page, '\n')) {
      if (!absl::ConsumePrefix(&line, series)) continue;
      EXPECT_TRUE(absl::SimpleAtod(line, &value));
    }
    return value;
  }
};

TEST_F(InteropSvix, ASignedEventIsOnTheTimelineOnce) {
  const v1::Email sent =
      tenant_.Await(tenant_.SendTo("delivered").id(), v1::Email::STATE_DELIVERED);
  const std::string payload = Opened(sent);
  EXPECT_EQ(Post(Secret(), payload, "msg_opened"), "200");
  EXPECT_EQ(Post(Secret(), payload, "msg_opened"), "200");  // as a provider repeats
  int opened = 0;
  for (const v1::EmailEvent& event : tenant_.Timeline(sent.id())) {
    if (event.type() == v1::EVENT_TYPE_OPENED) ++opened;
  }
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(tenant_.Get(sent.id()).state(), v1::Email::STATE_DELIVERED);
}

TEST_F(InteropSvix, WhatIsForgedOldOrSignedWithARetiredSecretIsRefusedAndCounted) {
  const v1::Email sent =
      tenant_.Await(tenant_.SendTo("delivered").id(), v1::Email::STATE_DELIVERED);
  const std::string payload = Opened(sent);
  const std::string secret = Secret();
  const double signatures = Refused("signature"), timestamps = Refused("timestamp");
  EXPECT_EQ(Post(secret, payload, "msg_old", "360"), "401");
  EXPECT_EQ(Post(secret, payload, "msg_early", "-360"), "401");
  EXPECT_EQ(Refused("timestamp"), timestamps + 2);

  std::string flipped = secret;
  char& c = flipped[10];
  c = c == 'A' ? 'B' : 'A';
  EXPECT_EQ(Post(flipped, payload, "msg_forged"), "401");
  EXPECT_EQ(Refused("signature"), signatures + 1);

  // Rotation: the new secret is in use at once, the old one until it is taken out of the file.
  const std::string next = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  const std::string file = Stack::Shared().File("webhook-secret");
  std::ofstream(file) << next << "\n" << secret << "\n";
  EXPECT_EQ(Post(next, payload, "msg_new"), "200");
  EXPECT_EQ(Post(secret, payload, "msg_both"), "200");
  std::ofstream(file) << next << "\n";
  EXPECT_EQ(Post(secret, payload, "msg_retired"), "401");
  EXPECT_EQ(Refused("signature"), signatures + 2);
  std::ofstream(file) << secret << "\n";
}

}  // namespace
}  // namespace herald::e2e
