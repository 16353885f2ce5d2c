// Finding emails again: filters, pages, redaction.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

class Listing : public ::testing::Test {
 protected:
  std::vector<std::string> IdsOf(const v1::EmailFilter& filter) const {
    v1::ListEmailsRequest request;
    *request.mutable_filter() = filter;
    const auto page = tenant_.api().ListEmails(request);
    EXPECT_OK(page);
    std::vector<std::string> ids;
    if (!page.ok()) return ids;
    for (const v1::Email& email : page->emails()) ids.push_back(email.id());
    return ids;
  }

  const Tenant tenant_{"listing"};
};

TEST_F(Listing, EachFilterFindsItsEmails) {
  v1::SendEmailRequest request = tenant_.EmailTo("ada.lovelace@example.com");
  request.mutable_recipient()->set_user_id("user-7");
  request.set_lane(v1::LANE_BULK);
  request.set_category("digest");
  ASSERT_OK_AND_ASSIGN(const auto sent, tenant_.api().SendEmail(Key("listing:1"), request));
  const std::string bulk = sent.email.id();
  const std::string other = tenant_.SendTo("delivered").id();
  const std::string message_id =
      tenant_.Await(bulk, v1::Email::STATE_DELIVERED).provider_message_id();
  tenant_.Await(other, v1::Email::STATE_DELIVERED);

  v1::EmailFilter filter;
  EXPECT_THAT(IdsOf(filter), ElementsAre(other, bulk));
  filter.set_recipient_email("ada.lovelace@EXAMPLE.com");
  EXPECT_THAT(IdsOf(filter), ElementsAre(bulk));
  filter.set_user_id("user-7");
  filter.set_lane(v1::LANE_BULK);
  filter.set_category("digest");
  filter.set_idempotency_key("listing:1");
  filter.set_provider_message_id(message_id);
  filter.add_states(v1::Email::STATE_DELIVERED);
  EXPECT_THAT(IdsOf(filter), ElementsAre(bulk));
  filter.set_user_id("user-8");
  EXPECT_THAT(IdsOf(filter), ElementsAre());

  filter.Clear();
  *filter.mutable_create_time_from() = tenant_.Get(other).create_time();
  EXPECT_THAT(IdsOf(filter), ElementsAre(other));
  filter.Clear();
  *filter.mutable_create_time_to() = tenant_.Get(other).create_time();
  EXPECT_THAT(IdsOf(filter), ElementsAre(bulk));
}

TEST_F(Listing, PagesShowEveryEmailOnceNewestFirst) {
  std::vector<std::string> sent;
  for (int i = 0; i < 7; ++i) sent.insert(sent.begin(), tenant_.SendTo("delivered").id());
  std::vector<std::string> listed;
  v1::ListEmailsRequest request;
  request.set_page_size(3);
  std::vector<int> sizes;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, tenant_.api().ListEmails(request));
    sizes.push_back(page.emails_size());
    for (const v1::Email& email : page.emails()) listed.push_back(email.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1));
  EXPECT_THAT(listed, ElementsAreArray(sent));
}

TEST_F(Listing, APageTokenIsGoodForItsFilterOnly) {
  for (int i = 0; i < 2; ++i) tenant_.SendTo("delivered");
  v1::ListEmailsRequest request;
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto page, tenant_.api().ListEmails(request));
  request.set_page_token(page.next_page_token());
  request.mutable_filter()->set_category("digest");
  const auto other = tenant_.api().ListEmails(request);
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ViolatedFields(other.status()), ElementsAre("page_token"));
}

TEST_F(Listing, AnAddressIsRedactedUnlessRevealedAndThatIsAudited) {
  const v1::Email email = tenant_.SendTo("ada.lovelace@example.com");
  EXPECT_EQ(email.recipient().email(), "a***@example.com");
  EXPECT_EQ(tenant_.Get(email.id()).recipient().email(), "a***@example.com");
  v1::GetEmailRequest reveal;
  reveal.set_id(email.id());
  reveal.set_reveal_recipient(true);

  const auto reader = tenant_.CreateToken(v1::ApiToken::MODE_LIVE, {}, {v1::ApiToken::SCOPE_READ});
  const auto denied = Stack::Shared().ClientWith(reader.secret()).GetEmail(reveal);
  EXPECT_THAT(denied, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(ReasonOf(denied.status()), "SCOPE_MISSING");

  ASSERT_OK_AND_ASSIGN(const v1::Email revealed, tenant_.api().GetEmail(reveal));
  EXPECT_EQ(revealed.recipient().email(), "ada.lovelace@example.com");
  v1::ListAuditEntriesRequest audit;
  audit.set_tenant_id(tenant_.id());
  ASSERT_OK_AND_ASSIGN(const auto entries,
                       Stack::Shared().operator_client().ListAuditEntries(audit));
  ASSERT_GE(entries.entries_size(), 1);
  EXPECT_EQ(entries.entries(0).action(), "herald.v1.EmailService/GetEmail");
  EXPECT_EQ(entries.entries(0).target(), email.id());
  EXPECT_EQ(entries.entries(0).actor().substr(0, 3), "tk_");
}

}  // namespace
}  // namespace herald::e2e
