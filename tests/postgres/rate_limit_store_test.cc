#include "storage/postgres/rate_limit_store.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

class RateLimitStoreTest : public EmailFixture {
 protected:
  RateLimitStoreTest() : EmailFixture(8) {}

  LimitBucket Tenant(double per_second, int burst = 1) {
    return {a_, LimitScope::kTenant, "", PaceOf(Rate{per_second, burst}, absl::ZeroDuration())};
  }
  LimitBucket Account(double per_second, int burst = 1) {
    return {{}, LimitScope::kAccount, "main", PaceOf(Rate{per_second, burst}, absl::Seconds(0))};
  }
  SlotRequest Email(std::vector<LimitBucket> buckets, std::vector<int64_t> held = {}) {
    return {Lane::kBulk, absl::Now() + absl::Hours(24), std::move(held), std::move(buckets)};
  }
  std::vector<SlotAnswer> Reserve(const std::vector<SlotRequest>& requests) {
    absl::StatusOr<std::vector<SlotAnswer>> answers = limits_.Reserve(requests);
    EXPECT_OK(answers);
    return answers.ok() ? *std::move(answers) : std::vector<SlotAnswer>(requests.size());
  }

  PostgresRateLimitStore limits_{database_.pool()};
};

TEST_F(RateLimitStoreTest, TheBurstGoesAndTheRestGetsEvenSlots) {
  const std::vector<SlotAnswer> answers =
      Reserve(std::vector<SlotRequest>(10, Email({Tenant(1, 4)})));
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(answers[i].go) << i;
  for (size_t i = 4; i < 10; ++i) {
    EXPECT_FALSE(answers[i].go) << i;
    EXPECT_EQ(answers[i].limit, LimitScope::kTenant);
    EXPECT_EQ(answers[i].delay, absl::Seconds(static_cast<int64_t>(i) - 3));
    EXPECT_EQ(answers[i].held.size(), 1u);
  }
}

TEST_F(RateLimitStoreTest, TogetherAllGoOrNobodyTakesAToken) {
  const std::vector<SlotRequest> six(6, Email({Tenant(0.01, 10), Account(0.01, 8)}));
  EXPECT_EQ(*limits_.ReserveTogether(six), true);
  const std::string before = Sql("SELECT state FROM herald.rate_buckets ORDER BY scope");
  EXPECT_EQ(*limits_.ReserveTogether(six), false) << "the account has two left";
  EXPECT_EQ(Sql("SELECT state FROM herald.rate_buckets ORDER BY scope"), before);
  EXPECT_EQ(*limits_.ReserveTogether(std::vector<SlotRequest>(six.begin(), six.begin() + 2)), true);
}

TEST_F(RateLimitStoreTest, AHeldSlotTakesNoSecondToken) {
  Reserve({Email({Tenant(0.01)})});
  const SlotAnswer parked = Reserve({Email({Tenant(0.01)})})[0];
  ASSERT_FALSE(parked.go);
  const std::string before = Sql("SELECT state FROM herald.rate_buckets");
  EXPECT_TRUE(Reserve({Email({Tenant(0.01)}, parked.held)})[0].go);
  EXPECT_EQ(Reserve({Email({Tenant(0.01)})})[0].slot - parked.slot, absl::Seconds(100));
}

TEST_F(RateLimitStoreTest, AnEmailHeldUpByItsTenantTakesNothingFromTheSharedLimit) {
  std::vector<SlotRequest> requests(100, Email({Tenant(0.01), Account(0.01, 2)}));
  requests.push_back(Email({Account(0.01, 2)}));
  const std::vector<SlotAnswer> answers = Reserve(requests);
  EXPECT_TRUE(answers[0].go);
  EXPECT_TRUE(std::all_of(answers.begin() + 1, answers.end() - 1,
                          [](const SlotAnswer& a) { return a.limit == LimitScope::kTenant; }));
  EXPECT_TRUE(answers.back().go);
}

TEST_F(RateLimitStoreTest, ASlotPastTheEmailsEndIsNotBooked) {
  SlotRequest brief = Email({Tenant(0.01)});
  brief.expire_time = absl::Now() + absl::Seconds(5);
  const std::vector<SlotAnswer> answers =
      Reserve({Email({Tenant(0.01)}), brief, Email({Tenant(0.01)})});
  EXPECT_FALSE(answers[1].go);
  EXPECT_THAT(answers[1].held, ::testing::IsEmpty());
  EXPECT_EQ(answers[1].slot, answers[2].slot);
}

TEST_F(RateLimitStoreTest, ReplicasTogetherGiveExactlyTheRate) {
  constexpr int kThreads = 4, kRounds = 25, kBatch = 10;
  std::vector<std::vector<SlotAnswer>> told(kThreads);
  std::vector<std::thread> replicas;
  for (int t = 0; t < kThreads; ++t) {
    replicas.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        // Two buckets, named in either order.
        std::vector<LimitBucket> buckets = {Tenant(100, 1), Account(1e6, 1'000'000)};
        if (t % 2 == 1) std::swap(buckets[0], buckets[1]);
        const auto answers = Reserve(std::vector<SlotRequest>(kBatch, Email(buckets)));
        told[static_cast<size_t>(t)].insert(told[static_cast<size_t>(t)].end(), answers.begin(),
                                            answers.end());
      }
    });
  }
  for (std::thread& replica : replicas) replica.join();
  std::vector<absl::Time> slots;
  int at_once = 0;
  for (const auto& answers : told) {
    for (const SlotAnswer& answer : answers) {
      if (answer.go) {
        ++at_once;
      } else {
        slots.push_back(answer.slot);
      }
    }
  }
  EXPECT_EQ(at_once + static_cast<int>(slots.size()), kThreads * kRounds * kBatch);
  EXPECT_GE(at_once, 1);
  std::sort(slots.begin(), slots.end());
  for (size_t i = 1; i < slots.size(); ++i) {
    EXPECT_GE(slots[i] - slots[i - 1], absl::Milliseconds(10)) << i;
  }
  // In any second so many, and no more.
  for (size_t i = 100; i < slots.size(); ++i) {
    EXPECT_GE(slots[i] - slots[i - 100], absl::Seconds(1));
  }
}

TEST_F(RateLimitStoreTest, LeasesOfReplicasAddUpToTheBucket) {
  const LimitBucket bucket{a_, LimitScope::kIngest, "",
                           PaceOf(Rate{0.001, 100}, absl::ZeroDuration())};
  std::atomic<int> leased{0};
  std::vector<std::thread> replicas;
  for (int t = 0; t < 3; ++t) {
    replicas.emplace_back([&] {
      while (true) {
        const absl::StatusOr<TokenLease> lease = limits_.LeaseTokens(bucket, 1, 7);
        ASSERT_OK(lease);
        if (lease->tokens == 0) break;
        leased += lease->tokens;
      }
    });
  }
  for (std::thread& replica : replicas) replica.join();
  EXPECT_EQ(leased, 100);
  ASSERT_OK_AND_ASSIGN(const TokenLease none, limits_.LeaseTokens(bucket, 2, 7));
  EXPECT_GT(none.wait, absl::Seconds(1900));
  EXPECT_LE(none.wait, absl::Seconds(2000));
}

TEST_F(RateLimitStoreTest, AWarmUpBeginsOnce) {
  ASSERT_OK_AND_ASSIGN(const absl::Time start, limits_.WarmUpStart(a_, "shop.example"));
  EXPECT_LT(absl::AbsDuration(start - absl::Now()), absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const absl::Time again, limits_.WarmUpStart(a_, "shop.example"));
  EXPECT_EQ(again, start);
}

TEST_F(RateLimitStoreTest, OnlyIdleBucketsArePruned) {
  Reserve({Email({Tenant(1000)}), Email({Account(0.001)})});
  Sql("UPDATE herald.rate_buckets SET idle_time = idle_time - interval '2 minutes'");
  ASSERT_OK_AND_ASSIGN(const int pruned, limits_.PruneIdle(10));
  EXPECT_EQ(pruned, 1);
  EXPECT_EQ(Sql("SELECT scope FROM herald.rate_buckets"), "6");
}

class ParkTest : public RateLimitStoreTest {
 protected:
  void Park(const LeasedEmail& email, absl::Duration delay, const std::string& limit) {
    EXPECT_OK(queue_.Park({{email.lease, absl::Now() + delay, {7, -9}, limit}}));
  }
};

TEST_F(ParkTest, IsNeitherAnAttemptNorAClaim) {
  const EmailId id = Accept("key");
  Park(ClaimOne(), absl::Hours(1), "tenant");
  EXPECT_EQ(Sql("SELECT claims, attempts, lease_until IS NULL, run_at > now() + interval '59 min' "
                "FROM herald.queue"),
            "0|0|t|t");
  EXPECT_EQ(State(id), EmailState::kQueued);
}

TEST_F(ParkTest, TheSlotsComeBackWithTheNextClaimAndGoWithTheAttempt) {
  Accept("key");
  Park(ClaimOne(), absl::ZeroDuration(), "tenant");
  const LeasedEmail again = ClaimOne();
  EXPECT_THAT(again.slots_held, ::testing::ElementsAre(7, -9));
  AttemptEnd end = Begin(again);
  end.outcome = Outcome::kRetryable;
  end.disposition = Retry();
  EXPECT_TRUE(Record(end));
  EXPECT_THAT(ClaimOne().slots_held, ::testing::IsEmpty());
}

TEST_F(ParkTest, OnlyTheFirstWaitIsOnTheTimeline) {
  const EmailId id = Accept("key");
  Park(ClaimOne(), absl::ZeroDuration(), "tenant");
  Park(ClaimOne(), absl::ZeroDuration(), "account");
  EXPECT_THAT(Timeline(id), ::testing::ElementsAre(EventType::kAccepted, EventType::kLimited));
  EXPECT_EQ(Sql("SELECT reason, retry_time IS NOT NULL FROM herald.email_events"), "tenant|t");
}

TEST_F(ParkTest, AStaleLeaseParksNothing) {
  Accept("key");
  LeasedEmail email = ClaimOne();
  email.lease.token += 1;
  Park(email, absl::Hours(1), "tenant");
  EXPECT_EQ(Sql("SELECT run_at <= now(), lease_until IS NULL FROM herald.queue"), "t|f");
}

}  // namespace
}  // namespace herald::storage
