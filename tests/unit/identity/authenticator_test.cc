#include "server/identity/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/status/status_details.h"
#include "tests/unit/rpc/fakes/fake_tenant_store.h"

namespace herald::identity {
namespace {

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    storage::Tenant tenant;
    tenant.slug = "shop";
    tenant.sender_domains = {"shop.example"};
    tenant_ = store_.CreateTenant(tenant, {})->id;
    token_ = Issue(absl::nullopt);
  }

  std::string Issue(absl::optional<absl::Time> expire_time) {
    const std::string secret = NewSecret();
    storage::ApiToken token;
    token.tenant = tenant_;
    token.scopes = storage::kScopeSend;
    token.secret_hash = HashSecret(secret);
    token.expire_time = expire_time;
    token_id_ = store_.CreateApiToken(token, {})->id;
    return FormatToken(storage::TokenMode::kLive, token_id_, secret);
  }

  std::string Reason(const Authenticator::Result& result) { return ErrorReason(result.status()); }

  rpc::FakeTenantStore store_;
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(24 * 365 * 55);
  absl::Duration clock_ahead_;  // of the clock that somebody may set
  Authenticator auth_{store_,
                      {{HashText("operator-token-0001")}, {HashText("sidecar-token-00001")}},
                      [this] { return now_ + clock_ahead_; },
                      [this] { return now_; }};
  TenantId tenant_;
  ApiTokenId token_id_;
  std::string token_;
};

TEST_F(AuthenticatorTest, KnowsATokensTenantScopesAndDomains) {
  EXPECT_FALSE(auth_.TryCached(token_).has_value());
  const auto caller = auth_.Load(token_);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ((*caller)->tenant, tenant_);
  EXPECT_EQ((*caller)->scopes, storage::kScopeSend);
  EXPECT_THAT((*caller)->sender_domains, ::testing::ElementsAre("shop.example"));
  const auto hit = auth_.TryCached(token_);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(*hit->result, *caller);
}

TEST_F(AuthenticatorTest, KnowsOperatorAndSidecarWithoutTheDatabase) {
  EXPECT_EQ((*auth_.TryCached("operator-token-0001")->result)->kind, Caller::Kind::kOperator);
  EXPECT_EQ((*auth_.TryCached("sidecar-token-00001")->result)->kind, Caller::Kind::kSidecar);
  EXPECT_EQ(store_.finds(), 0);
}

TEST_F(AuthenticatorTest, RefusesAMissingAndAMalformedTokenWithoutTheDatabase) {
  EXPECT_EQ(Reason(auth_.TryCached("")->result), "TOKEN_MISSING");
  EXPECT_EQ(Reason(auth_.TryCached("hrld_live_x")->result), "TOKEN_INVALID");
  EXPECT_EQ(store_.finds(), 0);
}

TEST_F(AuthenticatorTest, RefusesAWrongSecretAnUnknownIdAndAnotherModeAlike) {
  const std::string secret = NewSecret();
  EXPECT_EQ(Reason(auth_.Load(FormatToken(storage::TokenMode::kLive, token_id_, secret))),
            "TOKEN_INVALID");
  EXPECT_EQ(Reason(auth_.Load(FormatToken(storage::TokenMode::kLive, ApiTokenId{999}, secret))),
            "TOKEN_INVALID");
  std::string other_mode = token_;
  other_mode.replace(0, 10, "hrld_test_");
  EXPECT_EQ(Reason(auth_.Load(other_mode)), "TOKEN_INVALID");
}

TEST_F(AuthenticatorTest, ARevocationTakesEffectWithinTwoSeconds) {
  ASSERT_TRUE(auth_.Load(token_).ok());
  ASSERT_TRUE(store_.RevokeApiToken(tenant_, token_id_, {}).ok());
  now_ += absl::Milliseconds(1999);
  EXPECT_TRUE(auth_.TryCached(token_)->result.ok());
  now_ += absl::Milliseconds(1);
  ASSERT_FALSE(auth_.TryCached(token_).has_value());
  EXPECT_EQ(Reason(auth_.Load(token_)), "TOKEN_INVALID");
}

TEST_F(AuthenticatorTest, ARevocationTakesEffectAlsoAfterTheClockWasSetBack) {
  const std::string guess = FormatToken(storage::TokenMode::kLive, ApiTokenId{999}, NewSecret());
  ASSERT_TRUE(auth_.Load(token_).ok());
  ASSERT_FALSE(auth_.Load(guess).ok());
  ASSERT_TRUE(store_.RevokeApiToken(tenant_, token_id_, {}).ok());
  clock_ahead_ = -absl::Hours(1);
  now_ += absl::Seconds(3);
  ASSERT_FALSE(auth_.TryCached(token_).has_value());
  EXPECT_EQ(Reason(auth_.Load(token_)), "TOKEN_INVALID");
  EXPECT_FALSE(auth_.TryCached(guess).has_value()) << "a refusal is no longer remembered either";
}

TEST_F(AuthenticatorTest, ATokenExpiresByTheClockAndNotByHowLongItIsKnown) {
  const std::string token = Issue(now_ + absl::Hours(1));
  ASSERT_TRUE(auth_.Load(token).ok());
  clock_ahead_ = absl::Hours(1);
  EXPECT_EQ(Reason(auth_.TryCached(token)->result), "TOKEN_EXPIRED");
  EXPECT_EQ(Reason(auth_.Load(token)), "TOKEN_EXPIRED");
}

TEST_F(AuthenticatorTest, AsksForOneRefreshBeforeItStopsBelieving) {
  ASSERT_TRUE(auth_.Load(token_).ok());
  EXPECT_FALSE(auth_.TryCached(token_)->refresh);
  now_ += absl::Seconds(1);
  EXPECT_TRUE(auth_.TryCached(token_)->refresh);
  EXPECT_FALSE(auth_.TryCached(token_)->refresh);
  ASSERT_TRUE(auth_.Load(token_).ok());
  now_ += absl::Milliseconds(1500);
  EXPECT_TRUE(auth_.TryCached(token_).has_value());
}

TEST_F(AuthenticatorTest, AnExpiredTokenIsRefusedAlsoFromTheCache) {
  const std::string token = Issue(now_ + absl::Seconds(1));
  ASSERT_TRUE(auth_.Load(token).ok());
  now_ += absl::Seconds(1);
  EXPECT_EQ(Reason(auth_.TryCached(token)->result), "TOKEN_EXPIRED");
  EXPECT_EQ(Reason(auth_.Load(token)), "TOKEN_EXPIRED");
}

TEST_F(AuthenticatorTest, ASuspendedTenantIsDenied) {
  storage::TenantUpdate update;
  update.suspended = true;
  ASSERT_TRUE(store_.UpdateTenant(tenant_, update, {}).ok());
  const auto result = auth_.Load(token_);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Reason(result), "TENANT_SUSPENDED");
}

TEST_F(AuthenticatorTest, RemembersARefusalForASecond) {
  const std::string guess = FormatToken(storage::TokenMode::kLive, ApiTokenId{999}, NewSecret());
  ASSERT_FALSE(auth_.Load(guess).ok());
  EXPECT_EQ(Reason(auth_.TryCached(guess)->result), "TOKEN_INVALID");
  now_ += absl::Seconds(1);
  EXPECT_FALSE(auth_.TryCached(guess).has_value());
}

TEST_F(AuthenticatorTest, BelievesAProvenTokenAMinuteWhileTheDatabaseIsAway) {
  ASSERT_TRUE(auth_.Load(token_).ok());
  store_.Fail(absl::UnavailableError("away"));
  now_ += absl::Seconds(59);
  EXPECT_FALSE(auth_.TryCached(token_).has_value());
  EXPECT_TRUE(auth_.Load(token_).ok());
  EXPECT_TRUE(auth_.TryCached(token_).has_value());  // not asked again at once
  now_ += absl::Seconds(1);
  EXPECT_EQ(Reason(auth_.Load(token_)), "STORAGE_UNAVAILABLE");
}

TEST_F(AuthenticatorTest, AnUnprovenTokenIsNotBelievedWhileTheDatabaseIsAway) {
  store_.Fail(absl::UnavailableError("away"));
  EXPECT_EQ(Reason(auth_.Load(token_)), "STORAGE_UNAVAILABLE");
}

TEST(LruMapTest, ForgetsWhatWasUsedLongestAgo) {
  LruMap<int> map(2);
  map.Put(HashText("a"), 1);
  map.Put(HashText("b"), 2);
  ASSERT_NE(map.Find(HashText("a")), nullptr);
  map.Put(HashText("c"), 3);
  EXPECT_EQ(map.size(), 2u);
  EXPECT_NE(map.Find(HashText("a")), nullptr);
  EXPECT_EQ(map.Find(HashText("b")), nullptr);
}

}  // namespace
}  // namespace herald::identity
