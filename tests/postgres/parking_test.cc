// The engine on PostgreSQL with a rate limit: what is over it waits for its slot, in the queue.

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "herald/internal/v1/content.pb.h"
#include "model/steady_time.h"
#include "server/delivery/lane_worker.h"
#include "storage/postgres/rate_limit_store.h"
#include "storage/postgres/tenant_store.h"
#include "tests/postgres/email_fixture.h"
#include "tests/support/message_copy.h"
#include "tests/support/one_account_router.h"
#include "tests/support/one_template_store.h"

namespace herald::delivery {
namespace {

constexpr char kAccount[] = "main";

class AcceptingProvider final : public providers::Provider {
 public:
  absl::string_view account() const override { return kAccount; }
  const providers::Capabilities& capabilities() const override { return capabilities_; }
  std::unique_ptr<providers::PreparedMessage> Prepare(
      const providers::OutboundMessage& message) const override {
    return std::make_unique<support::MessageCopy>(std::string(32, 'd'), message);
  }
  void Send(std::unique_ptr<providers::PreparedMessage> prepared, absl::Duration,
            Done done) override {
    const std::string& email = support::MessageCopy::Of(*prepared).email_id;
    {
      absl::MutexLock lock(&mutex_);
      sent_.push_back(absl::Now());
      ++by_id_[email];
    }
    providers::SendResult result;
    result.outcome = Outcome::kAccepted;
    result.provider_message_id = email;
    done(std::move(result));
  }

  bool AwaitSent(size_t count, absl::Duration patience) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return sent_.size() >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), patience);
  }
  std::vector<absl::Time> sent() {
    absl::MutexLock lock(&mutex_);
    return sent_;
  }
  // How many different emails.
  size_t different() {
    absl::MutexLock lock(&mutex_);
    return by_id_.size();
  }

 private:
  const providers::Capabilities capabilities_;
  absl::Mutex mutex_;
  std::vector<absl::Time> sent_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> by_id_ ABSL_GUARDED_BY(mutex_);
};

class ParkedWatcher final : public DeliveryObserver {
 public:
  void OnParked(const storage::LeasedEmail& email, LimitScope limit, absl::Duration) override {
    absl::MutexLock lock(&mutex_);
    ++parked_;
    waits_[email.lease.email.value] += 1;
    most_waits_ = std::max(most_waits_, waits_[email.lease.email.value]);
    limits_[limit] += 1;
  }
  bool AwaitParked(int count, absl::Duration patience) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return parked_ >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), patience);
  }
  int parked() {
    absl::MutexLock lock(&mutex_);
    return parked_;
  }
  int most_waits() {
    absl::MutexLock lock(&mutex_);
    return most_waits_;
  }

 private:
  absl::Mutex mutex_;
  int parked_ ABSL_GUARDED_BY(mutex_) = 0;
  int most_waits_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int64_t, int> waits_ ABSL_GUARDED_BY(mutex_);
  std::map<LimitScope, int> limits_ ABSL_GUARDED_BY(mutex_);
};

class ParkingTest : public storage::EmailFixture {
 protected:
  void AcceptMany(int count, Lane lane, const std::string& prefix) {
    herald::internal::v1::EmailContent content;
    content.mutable_from()->set_email("shop@example.org");
    content.mutable_inline_()->set_subject("Hello");
    content.mutable_inline_()->set_text("Hello");
    std::vector<storage::NewEmail> group;
    for (int i = 0; i < count; ++i) {
      storage::NewEmail email = Make(absl::StrCat(prefix, i));
      email.lane = lane;
      email.has_attachments = true;  // so that none goes into a chunk
      email.content = content.SerializeAsString();
      group.push_back(std::move(email));
      if (group.size() < 500 && i + 1 < count) continue;
      ASSERT_OK(emails_.AcceptEmails(group));
      group.clear();
    }
  }

  std::unique_ptr<LaneWorker> Work(Lane lane, const RateLimiter* limiter) {
    DeliveryParts parts;
    parts.store = &queue_;
    parts.renderer = &renderer_;
    parts.router = &router_;
    parts.limiter = limiter;
    parts.observer = &watcher_;
    parts.clock = absl::Now;
    parts.random = [] { return 0.5; };
    parts.urgent = &urgent_;
    return std::make_unique<LaneWorker>(lane, DefaultLanePolicy(lane), parts);
  }

  static limits::LimitDefaults TenantRate(double per_second, int burst) {
    limits::LimitDefaults defaults;
    defaults.tenant = {per_second, burst};
    return defaults;
  }

  support::OneTemplateStore templates_{storage::TemplateVersionRow()};
  catalog::TemplateCatalog catalog_{&templates_, {}, absl::Now};
  const Renderer renderer_{&catalog_, {}};
  AcceptingProvider provider_;
  support::OneAccountRouter router_{&provider_};
  ParkedWatcher watcher_;
  UrgentTraffic urgent_;
  storage::PostgresTenantStore tenants_{database_.pool(), keys_};
  limits::TenantLimitCache cache_{&tenants_};
  storage::PostgresRateLimitStore store_{database_.pool()};
};

TEST_F(ParkingTest, EightThousandCappedEmailsAreParkedOnceEachAndThenLeftAlone) {
  constexpr int kEmails = 8000;
  AcceptMany(kEmails, Lane::kBulk, "capped");
  const RateLimiter limiter(TenantRate(0.1, 1), &cache_, &store_);
  const absl::Time start = absl::Now();
  const auto worker = Work(Lane::kBulk, &limiter);
  ASSERT_TRUE(watcher_.AwaitParked(kEmails - 1, absl::Seconds(300)));
  // Nothing is due any more. A poller would claim and park again all the time.
  EXPECT_FALSE(watcher_.AwaitParked(kEmails, absl::Seconds(3)));
  EXPECT_EQ(watcher_.most_waits(), 1);
  EXPECT_LE(static_cast<double>(provider_.sent().size()),
            absl::ToDoubleSeconds(absl::Now() - start) * 0.1 + 1);
  EXPECT_EQ(Sql("SELECT count(*) = count(DISTINCT run_at), max(attempts), "
                "count(*) FILTER (WHERE lease_until IS NULL AND run_at < now() - interval '2 s') "
                "FROM herald.queue"),
            "t|0|0");
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.email_events WHERE type = 13"), "7999");
}

TEST_F(ParkingTest, TwoReplicasSendAtTheRateAndLoseNothing) {
  constexpr int kEmails = 60;
  AcceptMany(kEmails, Lane::kBulk, "paced");
  // Each replica has a limiter of its own; the buckets are in the database.
  const RateLimiter one(TenantRate(20, 2), &cache_, &store_);
  const RateLimiter other(TenantRate(20, 2), &cache_, &store_);
  const absl::Time start = absl::Now();
  const auto first = Work(Lane::kBulk, &one);
  const auto second = Work(Lane::kBulk, &other);
  ASSERT_TRUE(provider_.AwaitSent(kEmails, absl::Seconds(60)));
  std::vector<absl::Time> sent = provider_.sent();
  std::sort(sent.begin(), sent.end());
  // Email i has token i: none goes before its slot.
  for (size_t i = 2; i < sent.size(); ++i) {
    EXPECT_GE(sent[i] - start, absl::Milliseconds(50) * (static_cast<int>(i) - 1)) << i;
  }
  EXPECT_EQ(provider_.different(), static_cast<size_t>(kEmails));
  EXPECT_EQ(sent.size(), static_cast<size_t>(kEmails));
  EXPECT_EQ(watcher_.most_waits(), 1);
}

TEST_F(ParkingTest, CriticalMailOvertakesTheTenantsParkedBulk) {
  AcceptMany(500, Lane::kBulk, "bulk");
  const RateLimiter limiter(TenantRate(0.01, 1), &cache_, &store_);
  const auto bulk = Work(Lane::kBulk, &limiter);
  ASSERT_TRUE(watcher_.AwaitParked(499, absl::Seconds(60)));
  EXPECT_FALSE(urgent_.Flows(SteadyNow()));
  AcceptMany(1, Lane::kCritical, "critical");
  const auto critical = Work(Lane::kCritical, &limiter);
  EXPECT_TRUE(provider_.AwaitSent(2, absl::Seconds(60)));
  EXPECT_TRUE(urgent_.Flows(SteadyNow())) << "BULK has to give way";
}

TEST_F(ParkingTest, WithoutALimitNobodyAsksTheDatabase) {
  AcceptMany(10, Lane::kBulk, "free");
  const RateLimiter limiter({}, &cache_, &store_);
  const auto worker = Work(Lane::kBulk, &limiter);
  ASSERT_TRUE(provider_.AwaitSent(10, absl::Seconds(30)));
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.rate_buckets"), "0");
}

}  // namespace
}  // namespace herald::delivery
