#include "server/delivery/chunk_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "herald/internal/v1/content.pb.h"
#include "model/steady_time.h"
#include "tests/support/one_account_router.h"
#include "tests/support/one_template_store.h"
#include "tests/unit/delivery/fake_chunk_store.h"
#include "tests/unit/delivery/scripted_provider.h"

namespace herald::delivery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using End = storage::ChunkEnd::Kind;
using Kind = storage::Disposition::Kind;

constexpr Outcome kAccepted = Outcome::kAccepted;

// The provider has no batch call.
class ChunkWorkerTest : public ::testing::Test {
 protected:
  void Start() {
    DeliveryParts parts;
    parts.chunks = &store_;
    parts.renderer = &renderer_;
    parts.router = taking_;
    parts.observer = &observer_;
    parts.clock = absl::Now;
    parts.random = [] { return 0.0; };
    parts.urgent = &urgent_;
    parts.lease = lease_;
    worker_ = std::make_unique<ChunkWorker>(Lane::kBulk, policy_, std::move(parts));
  }
  // Ends what the test left open, as a provider's destructor does.
  ~ChunkWorkerTest() override {
    if (worker_ == nullptr) return;
    worker_->Drain(absl::InfinitePast());
    while (provider_.open() > 0) provider_.Answer(ResultOf(Outcome::kUnconfirmed));
  }

  static storage::LeasedChunk Chunk(int members) {
    storage::LeasedChunk chunk;
    chunk.lease = {TenantId{1}, storage::ChunkId{100}, 7};
    chunk.claims = 1;
    chunk.claim_time = absl::Now();
    for (int i = 0; i < members; ++i) {
      herald::internal::v1::EmailContent content;
      content.mutable_from()->set_email("shop@example.com");
      content.mutable_inline_()->set_subject(absl::StrCat("Order ", i));
      content.mutable_inline_()->set_text("It is on its way.");
      storage::LeasedEmail member;
      member.lease = {TenantId{1}, EmailId{100 + i}, 7};
      member.lane = Lane::kBulk;
      member.recipient = "ada@example.com";
      member.content = content.SerializeAsString();
      chunk.members.push_back(std::move(member));
    }
    return chunk;
  }
  // Of a chunk that was handed over before and whose fate is not known.
  storage::LeasedChunk Unconfirmed(int members) {
    storage::LeasedChunk chunk = Chunk(members);
    std::vector<providers::OutboundMessage> messages;
    for (const storage::LeasedEmail& member : chunk.members) {
      messages.push_back(*renderer_.Render(member));
    }
    chunk.attempts = 1;
    chunk.unconfirmed = storage::UnconfirmedAttempt{
        "scripted", PrepareChunkCall(provider_, chunk.lease.chunk, messages).digest,
        chunk.claim_time - absl::Seconds(1)};
    return chunk;
  }

  support::OneTemplateStore templates_{{"none", 1, "", "", "x", "[]", absl::UnixEpoch()}};
  catalog::TemplateCatalog catalog_{&templates_, {}, absl::Now};
  const Renderer renderer_{&catalog_, {}};
  FakeChunkStore store_;
  ScriptedProvider provider_;
  support::OneAccountRouter router_{&provider_};
  Router* taking_ = &router_;
  DeliveryObserver observer_;
  UrgentTraffic urgent_;
  LanePolicy policy_ = DefaultLanePolicy(Lane::kBulk);
  absl::Duration lease_ = absl::Seconds(90);
  std::unique_ptr<ChunkWorker> worker_;
};

TEST_F(ChunkWorkerTest, WithoutABatchCallEveryMemberGoesAloneUnderOneAttempt) {
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  store_.Offer(Chunk(3));
  Start();
  const storage::ChunkEnd end = store_.AwaitEnd();
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_EQ(end.outcome, kAccepted);
  EXPECT_THAT(end.message_ids, SizeIs(3));
  EXPECT_THAT(end.others, IsEmpty());
  EXPECT_THAT(provider_.keys(), SizeIs(3));
  const std::vector<storage::ChunkStart> starts = store_.starts();
  ASSERT_THAT(starts, SizeIs(1));
  EXPECT_EQ(starts[0].request_key, "");
  EXPECT_EQ(starts[0].request_digest, end.request_digest);
  EXPECT_THAT(starts[0].members, SizeIs(3));
}

TEST_F(ChunkWorkerTest, ItTakesFewAtATimeWhileCriticalEmailsAreDelivered) {
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  policy_.chunk_claim = 8;
  for (int i = 0; i < 4; ++i) store_.Offer(Chunk(50));
  urgent_.Note(SteadyNow());
  Start();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(store_.AwaitEnd().outcome, kAccepted);
  const std::vector<int> limits = store_.limits();
  ASSERT_GE(limits.size(), 2u);
  EXPECT_EQ(limits[0], 1) << "of a hundred, as far as is known";
  EXPECT_EQ(limits[1], 2) << "of fifty";
}

TEST_F(ChunkWorkerTest, ItTakesManyWithoutCriticalEmailsOrWithTheWholeShare) {
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  for (const bool urgent : {false, true}) {
    policy_.share_beside_critical = urgent ? 1 : 0.5;
    if (urgent) urgent_.Note(SteadyNow());
    for (int i = 0; i < 5; ++i) store_.Offer(Chunk(1));
    Start();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(store_.AwaitEnd().outcome, kAccepted);
    worker_->Drain(absl::InfiniteFuture());
    EXPECT_EQ(store_.limits().front(), policy_.chunk_claim);
    store_.ForgetLimits();
  }
}

// Takes nothing.
class ClosedRouter final : public Router {
 public:
  RouteChoice Choose(const RouteQuery&) override {
    RouteChoice choice;
    choice.reason = "accounts_down";
    return choice;
  }
  RouteChoice ChooseAccount(absl::string_view) override { return Choose({}); }
  providers::Provider* Find(absl::string_view) const override { return nullptr; }
};

TEST_F(ChunkWorkerTest, WithoutAnAccountTheBacklogIsLeftToScouts) {
  ClosedRouter closed;
  taking_ = &closed;
  for (int i = 0; i < 20; ++i) store_.Offer(Chunk(2));
  Start();
  const storage::ChunkEnd end = store_.AwaitEnd();
  EXPECT_EQ(end.kind, End::kRetry);
  EXPECT_EQ(end.reason, "accounts_down");
  EXPECT_EQ(end.attempt, 0);
  store_.AwaitClaimWithout(TenantId{1});
  worker_->Drain(absl::InfiniteFuture());
}

TEST_F(ChunkWorkerTest, ItsRestEndsWithTheService) {
  policy_.share_beside_critical = 1e-9;
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  store_.Offer(Chunk(1));
  urgent_.Note(SteadyNow());
  Start();
  store_.AwaitEnd();
  const absl::Time asked = SteadyNow();
  EXPECT_TRUE(worker_->Drain(absl::InfiniteFuture()));
  EXPECT_LT(SteadyNow() - asked, absl::Seconds(1)) << "it would rest for two";
}

TEST_F(ChunkWorkerTest, ItLeavesRequestsOfTheAccountToOtherLanes) {
  policy_.member_requests_max = 2;
  store_.Offer(Chunk(5));
  Start();
  provider_.AwaitOpen(2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_LE(provider_.open(), 2u);
    provider_.Answer(ResultOf(kAccepted));
  }
  EXPECT_EQ(store_.AwaitEnd().outcome, kAccepted);
}

TEST_F(ChunkWorkerTest, ARepetitionGoesUnderTheSameKeysAndOneAfterAChangeDoesNotGo) {
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  store_.Offer(Chunk(2));
  Start();
  store_.AwaitEnd();
  store_.Offer(Unconfirmed(2));
  worker_->Wake();
  EXPECT_EQ(store_.AwaitEnd().kind, End::kDone);
  const std::vector<std::string> keys = provider_.keys();
  ASSERT_THAT(keys, SizeIs(4));
  EXPECT_EQ(keys[0], keys[2]);
  EXPECT_EQ(keys[1], keys[3]);

  storage::LeasedChunk changed = Unconfirmed(2);
  changed.unconfirmed->request_digest = std::string(32, 'x');
  store_.Offer(std::move(changed));
  worker_->Wake();
  store_.AwaitBrokenUp(1);
  EXPECT_THAT(provider_.keys(), SizeIs(4));
}

TEST_F(ChunkWorkerTest, WithoutIdempotencyNobodyIsRepeated) {
  provider_.mutable_capabilities().idempotency_window = absl::ZeroDuration();
  store_.Offer(Unconfirmed(2));
  Start();
  store_.AwaitBrokenUp(1);
  EXPECT_THAT(provider_.keys(), IsEmpty());
}

TEST_F(ChunkWorkerTest, AThrottledAccountKeepsTheRestWaitingTogether) {
  policy_.member_requests_max = 1;
  provider_.AnswerAtOnce({ResultOf(kAccepted), Throttled(absl::Minutes(2))});
  store_.Offer(Chunk(4));
  Start();
  const storage::ChunkEnd end = store_.AwaitEnd();
  EXPECT_EQ(end.kind, End::kDone);
  EXPECT_THAT(end.rest, ElementsAre(EmailId{101}, EmailId{102}, EmailId{103}));
  EXPECT_TRUE(end.free);
  EXPECT_EQ(end.delay, absl::Minutes(2));
  EXPECT_THAT(provider_.keys(), SizeIs(2));
}

TEST_F(ChunkWorkerTest, ADrainFinishesWhatIsUnderWayAndGivesTheRestBack) {
  policy_.member_requests_max = 1;
  store_.Offer(Chunk(3));
  Start();
  provider_.AwaitOpen(1);
  EXPECT_FALSE(worker_->Drain(absl::InfinitePast())) << "one request is under way";
  provider_.Answer(ResultOf(kAccepted));
  EXPECT_TRUE(worker_->Drain(absl::InfiniteFuture()));
  const storage::ChunkEnd end = store_.AwaitEnd();
  EXPECT_THAT(end.rest, ElementsAre(EmailId{101}, EmailId{102}));
  EXPECT_TRUE(end.free);
}

TEST_F(ChunkWorkerTest, NobodyIsBegunWhenTheLeaseWouldNotOutlastIt) {
  // A request and its recording need 25 seconds.
  lease_ = absl::Seconds(24);
  store_.Offer(Chunk(2));
  Start();
  const storage::ChunkEnd end = store_.AwaitEnd();
  EXPECT_EQ(end.kind, End::kRetry);
  EXPECT_TRUE(end.free);
  EXPECT_THAT(provider_.keys(), IsEmpty());
}

TEST_F(ChunkWorkerTest, ADatabaseThatIsAwayIsAskedUntilItAnswers) {
  provider_.AnswerAtOnce({ResultOf(kAccepted)});
  store_.FailToBegin(3);
  store_.Offer(Chunk(2));
  Start();
  EXPECT_EQ(store_.AwaitEnd().outcome, kAccepted);
}

// A second account that takes everything the first does not.
class TwoAccounts final : public Router {
 public:
  TwoAccounts(ScriptedProvider* a, ScriptedProvider* b) : accounts_{a, b} {}
  RouteChoice Choose(const RouteQuery& query) override {
    RouteChoice choice;
    for (ScriptedProvider* account : accounts_) {
      if (choice.provider == nullptr && !absl::c_linear_search(query.excluded, account->account()))
        choice.provider = account;
    }
    return choice;
  }
  RouteChoice ChooseAccount(absl::string_view account) override {
    RouteChoice choice;
    choice.provider = Find(account);
    return choice;
  }
  providers::Provider* Find(absl::string_view name) const override {
    for (ScriptedProvider* account : accounts_) {
      if (account->account() == name) return account;
    }
    return nullptr;
  }

 private:
  const std::vector<ScriptedProvider*> accounts_;
};

TEST_F(ChunkWorkerTest, ARefusedChunkGoesToTheNextAccountAtOnce) {
  ScriptedProvider other("other");
  TwoAccounts both(&provider_, &other);
  provider_.AnswerAtOnce({ResultOf(Outcome::kRetryable, "500")});
  other.AnswerAtOnce({ResultOf(kAccepted)});
  DeliveryParts parts;
  parts.chunks = &store_;
  parts.renderer = &renderer_;
  parts.router = &both;
  parts.observer = &observer_;
  parts.clock = absl::Now;
  parts.random = [] { return 1.0; };
  ChunkWorker worker(Lane::kBulk, policy_, std::move(parts));
  store_.Offer(Chunk(2));
  worker.Wake();
  const storage::ChunkEnd first = store_.AwaitEnd();
  EXPECT_EQ(first.kind, End::kRetry);
  EXPECT_EQ(first.delay, absl::ZeroDuration());
  EXPECT_THAT(first.tried_accounts, ElementsAre("scripted"));

  storage::LeasedChunk again = Chunk(2);
  again.tried_accounts = first.tried_accounts;
  store_.Offer(std::move(again));
  worker.Wake();
  const storage::ChunkEnd second = store_.AwaitEnd();
  EXPECT_EQ(second.outcome, kAccepted);
  EXPECT_EQ(second.account, "other");
}

}  // namespace
}  // namespace herald::delivery
