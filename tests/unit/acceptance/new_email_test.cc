#include "server/acceptance/new_email.h"

#include <gtest/gtest.h>

#include "herald/internal/v1/content.pb.h"

namespace herald::acceptance {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

v1::SendEmailRequest Request() {
  v1::SendEmailRequest request;
  request.set_idempotency_key("order:1");
  request.mutable_recipient()->set_email("ada@example.com");
  request.mutable_from()->set_email("shop@b\u00fccher.example");
  request.mutable_inline_()->set_subject("Hello");
  request.mutable_inline_()->set_text("Body");
  return request;
}

internal::v1::EmailContent ContentOf(const v1::SendEmailRequest& request) {
  const LaneLifetimes lifetimes = {{Lane::kTransactional, absl::Hours(24)}};
  const auto checked = ValidateRequest(request, lifetimes, kNow);
  EXPECT_TRUE(checked.ok()) << checked.status();
  internal::v1::EmailContent content;
  if (!checked.ok()) return content;
  identity::Caller caller;
  const storage::NewEmail email =
      BuildNewEmail({caller, request, *checked, 0, "", "", "", EmailId{1}, kNow});
  EXPECT_TRUE(content.ParseFromString(email.content));
  return content;
}

TEST(NewEmail, KeepsAddressesInTheFormThatGoesToProviders) {
  v1::SendEmailRequest request = Request();
  auto* reply_to = request.add_reply_to();
  reply_to->set_email("info@B\u00dcCHER.example");
  reply_to->set_name("B\u00fccher");
  request.add_reply_to()->set_email("plain@example.com");
  const internal::v1::EmailContent content = ContentOf(request);
  EXPECT_EQ(content.from().email(), "shop@xn--bcher-kva.example");
  ASSERT_EQ(content.reply_to_size(), 2);
  EXPECT_EQ(content.reply_to(0).email(), "info@xn--bcher-kva.example");
  EXPECT_EQ(content.reply_to(0).name(), "B\u00fccher");
  EXPECT_EQ(content.reply_to(1).email(), "plain@example.com");
}

}  // namespace
}  // namespace herald::acceptance
