#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "providers/svix/signature.h"
#include "providers/webhook_refusal.h"
#include "tests/unit/webhook/signed_webhook.h"

namespace herald::providers {
namespace {

// The vector of svix-webhooks and standard-webhooks.
constexpr char kBody[] = R"({"test": 2432232314})";
constexpr char kSignature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
constexpr char kForeign[] = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

WebhookRequest Vector(absl::string_view signature = kSignature,
                      absl::string_view prefix = "svix-") {
  return {{{absl::StrCat(prefix, "id"), kMessageId},
           {absl::StrCat(prefix, "timestamp"), "1614265330"},
           {absl::StrCat(prefix, "signature"), std::string(signature)}},
          kBody};
}

std::string Refusal(const WebhookRequest& request, std::vector<std::string> secrets = {kSecret},
                    absl::Time now = kSignedAt) {
  const auto verified = VerifySvix(request, secrets, now);
  if (verified.ok()) return "accepted";
  EXPECT_EQ(verified.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(verified.status().message(), "the webhook could not be verified");
  return WebhookRefusalReason(verified.status());
}

TEST(SvixSignature, SignsThePublishedVector) {
  EXPECT_EQ(SignSvix(kSecret, kMessageId, kSignedAt, kBody).value(), kSignature);
}

TEST(SvixSignature, AcceptsThePublishedVectorAndReturnsItsId) {
  EXPECT_EQ(VerifySvix(Vector(), {kSecret}, kSignedAt).value(), kMessageId);
}

TEST(SvixSignature, AcceptsTheStandardWebhooksHeaders) {
  EXPECT_EQ(Refusal(Vector(kSignature, "webhook-")), "accepted");
}

TEST(SvixSignature, PrefersTheSvixHeaders) {
  WebhookRequest request = Vector(kForeign, "svix-");
  for (auto& header : Vector(kSignature, "webhook-").headers) request.headers.push_back(header);
  EXPECT_EQ(Refusal(request), "bad_signature");
}

TEST(SvixSignature, AcceptsAnyV1EntryOfTheList) {
  EXPECT_EQ(Refusal(Vector(absl::StrCat(kForeign, " v2,", &kForeign[3], " ", kSignature))),
            "accepted");
}

TEST(SvixSignature, IgnoresUnknownVersions) {
  EXPECT_EQ(Refusal(Vector(absl::StrReplaceAll(kSignature, {{"v1,", "v2,"}}))), "bad_signature");
  EXPECT_EQ(Refusal(Vector(absl::StrReplaceAll(kSignature, {{"v1,", "v1a,"}}))), "bad_signature");
}

TEST(SvixSignature, AcceptsAnyLiveSecret) {
  EXPECT_EQ(Refusal(Vector(), {kOtherSecret, kSecret}), "accepted");
  EXPECT_EQ(Refusal(Vector(), {kSecret, kOtherSecret}), "accepted");
}

TEST(SvixSignature, AcceptsASecretWithoutItsPrefix) {
  EXPECT_EQ(Refusal(Vector(), {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}), "accepted");
}

TEST(SvixSignature, RefusesARetiredSecret) {
  EXPECT_EQ(Refusal(Vector(), {kOtherSecret}), "bad_signature");
  EXPECT_EQ(Refusal(Vector(), {}), "bad_signature");
}

TEST(SvixSignature, RefusesMalformedSignatures) {
  for (absl::string_view bad :
       {"", "v1,", "v1,dawfeoifkpqwoekfpqoekf", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=="}) {
    EXPECT_EQ(Refusal(Vector(bad)), "bad_signature") << bad;
  }
}

TEST(SvixSignature, RefusesOneFlippedBitAnywhere) {
  for (size_t i = 0; i < sizeof(kBody) - 1; ++i) {
    WebhookRequest request = Vector();
    request.body[i] = static_cast<char>(request.body[i] ^ 1);
    EXPECT_EQ(Refusal(request), "bad_signature") << i;
  }
  WebhookRequest request = Vector();
  request.headers[0].second.back() ^= 1;
  EXPECT_EQ(Refusal(request), "bad_signature");
}

TEST(SvixSignature, RefusesAMissingHeader) {
  for (size_t missing = 0; missing < 3; ++missing) {
    WebhookRequest request = Vector();
    request.headers.erase(request.headers.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_EQ(Refusal(request), "missing_header") << missing;
  }
}

TEST(SvixSignature, RefusesATimestampThatIsNoNumber) {
  for (absl::string_view bad : {"", "x", " 1614265330", "+1614265330", "-1", "1614265330.5",
                                "99999999999999999999", "0x60"}) {
    WebhookRequest request = Vector();
    request.headers[1].second = std::string(bad);
    EXPECT_EQ(Refusal(request), "bad_timestamp") << bad;
  }
}

TEST(SvixSignature, AllowsFiveMinutesEitherWayAndNoMore) {
  for (int sign : {-1, 1}) {
    EXPECT_EQ(Refusal(Vector(), {kSecret}, kSignedAt + sign * absl::Seconds(300)), "accepted");
    EXPECT_EQ(Refusal(Vector(), {kSecret}, kSignedAt + sign * absl::Seconds(301)),
              "stale_timestamp");
  }
}

TEST(SvixSignature, HoldsSecretsTo24To64Bytes) {
  const auto secret = [](size_t bytes) { return absl::Base64Escape(std::string(bytes, 'k')); };
  EXPECT_FALSE(CheckSvixSecret(secret(23)).ok());
  EXPECT_TRUE(CheckSvixSecret(secret(24)).ok());
  EXPECT_TRUE(CheckSvixSecret(absl::StrCat("whsec_", secret(64))).ok());
  EXPECT_FALSE(CheckSvixSecret(secret(65)).ok());
  EXPECT_FALSE(CheckSvixSecret("whsec_!not base64!").ok());
  EXPECT_EQ(SignSvix("short", "id", kSignedAt, "").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace herald::providers
