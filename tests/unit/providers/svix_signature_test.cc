#include "providers/sandbox/svix_signature.h"

#include <gtest/gtest.h>

namespace herald::providers {
namespace {

// From the test suites of svix/svix-webhooks and standard-webhooks.
TEST(SvixSignature, MatchesThePublishedVector) {
  const auto key = DecodeWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(SvixSignature(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", absl::FromUnixSeconds(1614265330),
                          "{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSecret, IsRefusedWithoutItsPrefixOrBase64) {
  for (const char* secret : {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*"}) {
    EXPECT_EQ(DecodeWebhookSecret(secret).status().code(), absl::StatusCode::kInvalidArgument)
        << secret;
  }
}

}  // namespace
}  // namespace herald::providers
