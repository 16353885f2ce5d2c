// Templates: what is published is used, what was accepted stays as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Templates : public ::testing::Test {
 protected:
  void SetUp() override {
    v1::CreateTemplateRequest request;
    request.set_key("receipt");
    *request.mutable_content() = Content("One");
    ASSERT_OK(tenant_.api().CreateTemplate(request));
  }
  v1::TemplateContent Content(absl::string_view word) const {
    v1::TemplateContent content;
    content.set_subject(absl::StrCat(word, " for {{name}}"));
    content.set_text(absl::StrCat(word, ", {{name}}."));
    return content;
  }
  void AddVersion(absl::string_view word, bool publish) {
    v1::CreateTemplateVersionRequest request;
    request.set_template_key("receipt");
    *request.mutable_content() = Content(word);
    request.set_publish(publish);
    ASSERT_OK(tenant_.api().CreateTemplateVersion(request));
  }
  v1::SendEmailRequest Email() const {
    v1::SendEmailRequest request = tenant_.EmailTo("delivered");
    request.mutable_template_()->set_key("receipt");
    (*request.mutable_variables()->mutable_fields())["name"].set_string_value("Ada");
    return request;
  }
  // The version that a new email pins, once it is `wanted` or the time to follow is over.
  int PublishedVersion(int wanted) {
    const absl::Time deadline = absl::Now() + absl::Seconds(4);
    int version = tenant_.Send(Email()).template_().version();
    while (version != wanted && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(20));
      version = tenant_.Send(Email()).template_().version();
    }
    return version;
  }
  std::string Mail(const std::string& id) const {
    return Stack::Shared().Read(absl::StrCat("mail/", tenant_.id(), "/", id, ".eml"));
  }

  const Tenant tenant_{"templates"};
};

TEST_F(Templates, AnAcceptedEmailKeepsItsVersion) {
  v1::SendEmailRequest later = Email();
  *later.mutable_send_time() = Timestamp(absl::Now() + absl::Seconds(2));
  const v1::Email pinned = tenant_.Send(later);
  AddVersion("Two", /*publish=*/true);
  EXPECT_EQ(PublishedVersion(2), 2);
  const v1::Email sent = tenant_.Await(pinned.id(), v1::Email::STATE_DELIVERED);
  EXPECT_EQ(sent.template_().version(), 1);
  EXPECT_THAT(Mail(pinned.id()), HasSubstr("Subject: One for Ada"));
}

TEST_F(Templates, AVersionIsNotUsedBeforeItIsPublishedUnlessNamed) {
  AddVersion("Two", /*publish=*/false);
  EXPECT_EQ(tenant_.Send(Email()).template_().version(), 1);
  v1::SendEmailRequest named = Email();
  named.mutable_template_()->set_version(2);
  const v1::Email email = tenant_.Send(named);
  tenant_.Await(email.id(), v1::Email::STATE_DELIVERED);
  EXPECT_THAT(Mail(email.id()), HasSubstr("Subject: Two for Ada"));
}

TEST_F(Templates, PublishingAnOlderVersionRollsBack) {
  AddVersion("Two", /*publish=*/true);
  ASSERT_EQ(PublishedVersion(2), 2);
  v1::PublishTemplateVersionRequest request;
  request.set_template_key("receipt");
  request.set_version(1);
  ASSERT_OK(tenant_.api().PublishTemplateVersion(request));
  EXPECT_EQ(PublishedVersion(1), 1);
}

TEST_F(Templates, AMissingOrIllTypedVariableIsRefusedBeforeAcceptance) {
  v1::SendEmailRequest request = Email();
  request.clear_variables();
  const auto missing = tenant_.api().SendEmail(NewKey(), request);
  EXPECT_THAT(missing, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ViolatedFields(missing.status()), ElementsAre("variables.name"));
  request.mutable_template_()->set_version(9);
  EXPECT_EQ(ReasonOf(tenant_.api().SendEmail(NewKey(), request).status()),
            "TEMPLATE_VERSION_NOT_FOUND");
  EXPECT_EQ(tenant_.api().ListEmails({})->emails_size(), 0);
}

TEST_F(Templates, APreviewIsWhatIsSent) {
  v1::RenderTemplateRequest preview;
  preview.mutable_template_()->set_key("receipt");
  *preview.mutable_variables() = Email().variables();
  ASSERT_OK_AND_ASSIGN(const auto rendered, tenant_.api().RenderTemplate(preview));
  EXPECT_EQ(rendered.subject(), "One for Ada");
  EXPECT_EQ(rendered.text(), "One, Ada.");
  EXPECT_EQ(tenant_.api().ListEmails({})->emails_size(), 0);
}

TEST_F(Templates, ATestEmailSaysThatItIsOne) {
  v1::SendTestEmailRequest request;
  request.mutable_template_()->set_key("receipt");
  *request.mutable_variables() = Email().variables();
  *request.mutable_from() = Email().from();
  *request.mutable_recipient() = Email().recipient();
  ASSERT_OK_AND_ASSIGN(const auto sent, tenant_.api().SendTestEmail(NewKey(), request));
  tenant_.Await(sent.email.id(), v1::Email::STATE_DELIVERED);
  EXPECT_THAT(Mail(sent.email.id()), HasSubstr("Subject: [Test] One for Ada"));
}

TEST_F(Templates, ADeletedTemplateTakesNoNewEmailsAndKeepsItsOldOnes) {
  v1::SendEmailRequest later = Email();
  *later.mutable_send_time() = Timestamp(absl::Now() + absl::Seconds(2));
  const v1::Email accepted = tenant_.Send(later);
  v1::DeleteTemplateRequest request;
  request.set_key("receipt");
  ASSERT_OK(tenant_.api().DeleteTemplate(request));
  absl::Status status;
  for (const absl::Time deadline = absl::Now() + absl::Seconds(4);
       status.ok() && absl::Now() < deadline; absl::SleepFor(absl::Milliseconds(20))) {
    status = tenant_.api().SendEmail(NewKey(), Email()).status();
  }
  EXPECT_EQ(ReasonOf(status), "TEMPLATE_NOT_FOUND");
  tenant_.Await(accepted.id(), v1::Email::STATE_DELIVERED);
}

}  // namespace
}  // namespace herald::e2e
