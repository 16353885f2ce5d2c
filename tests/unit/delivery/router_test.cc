#include "server/delivery/router.h"

#include <gtest/gtest.h>

namespace herald::delivery {
namespace {

class NamedProvider final : public providers::Provider {
 public:
  explicit NamedProvider(std::string name) : name_(std::move(name)) {}
  absl::string_view account() const override { return name_; }
  const providers::Capabilities& capabilities() const override { return capabilities_; }
  std::string RequestDigest(const providers::OutboundMessage&) const override { return ""; }
  void Send(const providers::OutboundMessage&, absl::Duration, Done) override {}

 private:
  const std::string name_;
  const providers::Capabilities capabilities_;
};

TEST(StaticRouter, FollowsTheLaneAndSendsTestMailToTheSandbox) {
  NamedProvider live("resend-main");
  NamedProvider sandbox("sandbox");
  const StaticRouter router({&live, &sandbox}, {{Lane::kCritical, "resend-main"}}, &sandbox);
  storage::LeasedEmail email;
  email.lane = Lane::kCritical;
  EXPECT_EQ(router.Choose(email), &live);
  email.test = true;
  EXPECT_EQ(router.Choose(email), &sandbox);
  email.lane = Lane::kBulk;
  EXPECT_EQ(router.Choose(email), &sandbox);
  email.test = false;
  EXPECT_EQ(router.Choose(email), nullptr);
  EXPECT_EQ(router.Find("sandbox"), &sandbox);
  EXPECT_EQ(router.Find("gone"), nullptr);
}

TEST(StaticRouter, NeverSendsTestMailForRealWhenThereIsNoSandbox) {
  NamedProvider live("resend-main");
  const StaticRouter router({&live}, {{Lane::kBulk, "resend-main"}}, nullptr);
  storage::LeasedEmail email;
  email.lane = Lane::kBulk;
  email.test = true;
  EXPECT_EQ(router.Choose(email), nullptr);
}

}  // namespace
}  // namespace herald::delivery
