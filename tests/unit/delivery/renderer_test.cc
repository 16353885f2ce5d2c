#include "server/delivery/renderer.h"

#include <gtest/gtest.h>

#include "herald/internal/v1/content.pb.h"
#include "tests/support/one_template_store.h"

namespace herald::delivery {
namespace {

class RendererTest : public testing::Test {
 protected:
  storage::LeasedEmail Email(const internal::v1::EmailContent& content) {
    storage::LeasedEmail email;
    email.lease = {TenantId{1}, EmailId{77}, 5};
    email.recipient = "ada@example.com";
    email.content = content.SerializeAsString();
    return email;
  }

  static internal::v1::EmailContent Content() {
    internal::v1::EmailContent content;
    content.mutable_from()->set_email("shop@example.com");
    content.mutable_from()->set_name("Shop");
    content.set_recipient_name("Ada");
    return content;
  }

  support::OneTemplateStore store_{
      {"welcome", 3, "Hi {{name}}", "<p>Hi {{name}}</p>", "", "[]", absl::UnixEpoch()}};
  catalog::TemplateCatalog catalog_{&store_, {}, absl::Now};
  const Renderer renderer_{&catalog_, {}};
};

TEST_F(RendererTest, RendersThePinnedVersion) {
  auto content = Content();
  (*content.mutable_variables()->mutable_fields())["name"].set_string_value("O'Neil & Co");
  storage::LeasedEmail email = Email(content);
  email.template_key = "welcome";
  email.template_version = 3;
  const auto message = renderer_.Render(email);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->subject, "Hi O'Neil & Co");
  EXPECT_EQ(message->html, "<p>Hi O&#39;Neil &amp; Co</p>");
  EXPECT_EQ(message->text, "Hi O'Neil & Co");
  EXPECT_EQ(message->to.address, "ada@example.com");
  EXPECT_EQ(message->to.name, "Ada");
}

TEST_F(RendererTest, CutsASubjectThatLeavesNoRoomForAPrefixBetweenCharacters) {
  auto content = Content();
  content.set_subject_prefix("[Test] ");
  content.mutable_inline_()->set_text("Body");
  std::string subject;
  while (subject.size() < 998) subject += "\u00E9";
  content.mutable_inline_()->set_subject(subject);
  const auto message = renderer_.Render(Email(content));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->subject, "[Test] " + subject.substr(0, 990));
  content.clear_subject_prefix();
  EXPECT_EQ(renderer_.Render(Email(content))->subject, subject);
}

TEST_F(RendererTest, GivesMarketingItsWayOutAlikeEachTime) {
  auto content = Content();
  content.mutable_inline_()->set_subject("News");
  content.mutable_inline_()->set_text("Body");
  content.set_unsubscribe_url("https://mail.example.com/u/token");
  (*content.mutable_headers())["X-A"] = "value";
  const auto first = renderer_.Render(Email(content));
  const auto second = renderer_.Render(Email(content));
  ASSERT_TRUE(first.ok() && second.ok());
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"List-Unsubscribe", "<https://mail.example.com/u/token>"},
      {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
      {"X-A", "value"}};
  EXPECT_EQ(first->headers, headers);
  EXPECT_EQ(second->headers, headers);
}

TEST_F(RendererTest, GivesEqualMessagesForEqualEmails) {
  auto content = Content();
  content.mutable_inline_()->set_subject("Hello");
  content.mutable_inline_()->set_text("Body");
  for (const char* name : {"X-Z", "X-A", "List-Id", "X-M"}) {
    (*content.mutable_headers())[name] = "value";
  }
  const auto first = renderer_.Render(Email(content));
  const auto second = renderer_.Render(Email(content));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->headers, second->headers);
  EXPECT_TRUE(std::is_sorted(first->headers.begin(), first->headers.end()));
  EXPECT_EQ(first->idempotency_key, second->idempotency_key);
}

TEST_F(RendererTest, NamesTheAttemptAnewOnlyAfterARedrive) {
  auto content = Content();
  content.mutable_inline_()->set_subject("Hello");
  content.mutable_inline_()->set_text("Body");
  storage::LeasedEmail email = Email(content);
  const std::string key = renderer_.Render(email)->idempotency_key;
  EXPECT_EQ(key, FormatEmailId(EmailId{77}));
  email.attempts = 4;
  email.claims = 2;
  EXPECT_EQ(renderer_.Render(email)->idempotency_key, key);
  email.redrives = 1;
  EXPECT_EQ(renderer_.Render(email)->idempotency_key, key + "-r1");
}

TEST_F(RendererTest, FailsAloneWhenTheContentCannotBeRead) {
  storage::LeasedEmail email = Email(Content());
  email.content = "\xff\xff\xff";
  EXPECT_EQ(renderer_.Render(email).status().code(), absl::StatusCode::kDataLoss);
  email.opened = absl::FailedPreconditionError("key gone");
  EXPECT_EQ(renderer_.Render(email).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RendererTest, TellsAMissingDatabaseFromAMissingTemplate) {
  storage::LeasedEmail email = Email(Content());
  email.template_key = "welcome";
  email.template_version = 9;
  EXPECT_EQ(renderer_.Render(email).status().code(), absl::StatusCode::kNotFound);
  store_.set_status(absl::UnavailableError("away"));
  EXPECT_EQ(renderer_.Render(email).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace herald::delivery
