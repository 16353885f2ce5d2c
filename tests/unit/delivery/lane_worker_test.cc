#include "server/delivery/lane_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/time/clock.h"
#include "herald/internal/v1/content.pb.h"
#include "model/steady_time.h"
#include "tests/support/one_account_router.h"
#include "tests/support/one_template_store.h"
#include "tests/unit/delivery/fake_queue_store.h"
#include "tests/unit/delivery/scripted_provider.h"
#include "tests/unit/limits/fake_rate_limit_store.h"

namespace herald::delivery {
namespace {

using ::testing::ElementsAre;
using Kind = storage::Disposition::Kind;

// A database that is away costs no claim: of emails on their last one it would make poison.
class LaneWorkerTest : public ::testing::Test {
 protected:
  LaneWorkerTest() { provider_.AnswerAtOnce({ResultOf(Outcome::kAccepted)}); }

  void Start(const RateLimiter* limiter = nullptr, absl::Duration lease = kLease) {
    DeliveryParts parts;
    parts.store = &store_;
    parts.renderer = &renderer_;
    parts.router = &router_;
    parts.limiter = limiter;
    parts.observer = &observer_;
    parts.clock = absl::Now;
    parts.random = [] { return 0.0; };
    parts.lease = lease;
    worker_ = std::make_unique<LaneWorker>(Lane::kStandard, DefaultLanePolicy(Lane::kStandard),
                                           std::move(parts));
  }

  static storage::LeasedEmail OnLastClaim(EmailId id) {
    herald::internal::v1::EmailContent content;
    content.mutable_from()->set_email("shop@example.com");
    content.mutable_inline_()->set_subject("Order");
    content.mutable_inline_()->set_text("It is on its way.");
    storage::LeasedEmail email;
    email.lease = {TenantId{1}, id, 7};
    email.lane = Lane::kStandard;
    email.claims = kClaimsMax;
    email.claim_time = absl::Now();
    email.recipient = "ada@example.com";
    email.content = content.SerializeAsString();
    return email;
  }

  // Nothing here waits for as long.
  static constexpr absl::Duration kLease = absl::Minutes(10);

  support::OneTemplateStore templates_{{"none", 1, "", "", "x", "[]", absl::UnixEpoch()}};
  catalog::TemplateCatalog catalog_{&templates_, {}, absl::Now};
  const Renderer renderer_{&catalog_, {}};
  FakeQueueStore store_;
  ScriptedProvider provider_;
  support::OneAccountRouter router_{&provider_};
  DeliveryObserver observer_;
  std::unique_ptr<LaneWorker> worker_;
};

TEST_F(LaneWorkerTest, LastClaimsAreHeldBackOnceTheDatabaseAnswers) {
  store_.FailToPark(3);
  store_.Offer(OnLastClaim({100}));
  store_.Offer(OnLastClaim({101}));
  Start();
  EXPECT_EQ(store_.AwaitParked().lease.email, EmailId{101});
  const storage::AttemptEnd end = store_.AwaitEnd();
  EXPECT_EQ(end.lease.email, EmailId{100});
  EXPECT_EQ(end.disposition.kind, Kind::kSent);
}

TEST_F(LaneWorkerTest, OnceTheLeasesAreOverItAsksNoMore) {
  store_.FailToPark(std::numeric_limits<int>::max());
  store_.Offer(OnLastClaim({100}));
  store_.Offer(OnLastClaim({101}));
  Start(nullptr, absl::Milliseconds(50));
  EXPECT_EQ(store_.AwaitEnd().lease.email, EmailId{100});
}

TEST_F(LaneWorkerTest, WhatTheLimiterCannotTellIsPutOffOnceTheDatabaseAnswers) {
  limits::LimitDefaults defaults;
  defaults.global = {1000, 0};
  limits::TenantLimitCache own(nullptr);
  limits::FakeRateLimitStore buckets;
  buckets.failure = absl::UnavailableError("the database is away");
  const RateLimiter limiter(defaults, &own, &buckets);
  store_.FailToPark(3);
  store_.Offer(OnLastClaim({100}));
  Start(&limiter);
  EXPECT_EQ(store_.AwaitParked().lease.email, EmailId{100});
  EXPECT_TRUE(worker_->Drain(absl::InfiniteFuture()));
}

TEST_F(LaneWorkerTest, AnAttemptBeginsOnceTheDatabaseAnswers) {
  store_.FailToBegin(3);
  store_.Offer(OnLastClaim({100}));
  Start();
  EXPECT_EQ(store_.AwaitEnd().disposition.kind, Kind::kSent);
}

TEST_F(LaneWorkerTest, ADrainDoesNotWaitForADatabaseThatIsAway) {
  store_.FailToPark(std::numeric_limits<int>::max());
  store_.Offer(OnLastClaim({100}));
  store_.Offer(OnLastClaim({101}));
  Start();
  store_.AwaitCallOfPark();
  const absl::Time asked = SteadyNow();
  EXPECT_TRUE(worker_->Drain(absl::InfiniteFuture()));
  EXPECT_LT(SteadyNow() - asked, kLease / 2);
  EXPECT_THAT(store_.returned(), ElementsAre(EmailId{100}));
}

}  // namespace
}  // namespace herald::delivery
