#include "server/delivery/account_router.h"

#include <gtest/gtest.h>

#include "server/delivery/route_query.h"
#include "tests/unit/delivery/fake_account_health_store.h"
#include "tests/unit/delivery/named_provider.h"

namespace herald::delivery {
namespace {

class AccountRouterTest : public ::testing::Test {
 protected:
  void Start(const Route& route) {
    HealthBoard::Options options;
    options.accounts = {"a", "b", "c", "sandbox"};
    options.unguarded = {"sandbox"};
    options.replica = "one";
    options.clock = [this] { return store_.now; };
    board_ = std::make_unique<HealthBoard>(options, &store_, &observer_);
    ASSERT_TRUE(board_->Sync().ok());
    table_ = std::make_unique<RouteTable>(std::map<Lane, Route>{{Lane::kBulk, route}}, nullptr);
    router_ = std::make_unique<AccountRouter>(
        std::vector<providers::Provider*>{&a_, &b_, &c_, &sandbox_}, &sandbox_, table_.get(),
        board_.get(), [this] { return random_; });
  }
  static RouteQuery Bulk() {
    RouteQuery query;
    query.lane = Lane::kBulk;
    return query;
  }
  std::string Chosen(const RouteQuery& query) {
    const RouteChoice choice = router_->Choose(query);
    return choice.provider == nullptr ? "-" : std::string(choice.provider->account());
  }
  void Disable(const std::string& account) {
    store_.accounts.at(account).disabled = true;
    ASSERT_TRUE(board_->Sync().ok());
  }

  FakeAccountHealthStore store_;
  HealthObserver observer_;
  NamedProvider a_{"a"}, b_{"b"}, c_{"c"}, sandbox_{"sandbox"};
  double random_ = 0;
  std::unique_ptr<HealthBoard> board_;
  std::unique_ptr<RouteTable> table_;
  std::unique_ptr<AccountRouter> router_;
};

TEST_F(AccountRouterTest, TakesTheFirstHealthyAccountInOrder) {
  Start({{"a", 1}, {"b", 2}, {"c", 3}});
  EXPECT_EQ(Chosen(Bulk()), "a");
  Disable("a");
  EXPECT_EQ(Chosen(Bulk()), "b");
  Disable("b");
  EXPECT_EQ(Chosen(Bulk()), "c");
  Disable("c");
  const RouteChoice none = router_->Choose(Bulk());
  EXPECT_EQ(none.provider, nullptr);
  EXPECT_EQ(none.reason, "accounts_down");
  EXPECT_FALSE(none.for_good);
  EXPECT_GT(none.wait, absl::ZeroDuration());
}

TEST_F(AccountRouterTest, PassesOverExcludedAccounts) {
  Start({{"a", 1}, {"b", 2}});
  RouteQuery query = Bulk();
  query.excluded = {"a"};
  EXPECT_EQ(Chosen(query), "b");
  query.excluded = {"a", "b"};
  EXPECT_EQ(Chosen(query), "-");
}

TEST_F(AccountRouterTest, AsksOnlyAccountsThatCanCarryTheMessage) {
  Start({{"a", 1}, {"b", 2}});
  RouteQuery large = Bulk();
  large.message_bytes = 1001;
  const RouteChoice none = router_->Choose(large);
  EXPECT_EQ(none.reason, "no_capable_account");
  EXPECT_TRUE(none.for_good);
  RouteQuery international = Bulk();
  international.international = true;
  EXPECT_EQ(Chosen(international), "-");
}

TEST_F(AccountRouterTest, GoesToTheNextAccountForWhatTheFirstCannotCarry) {
  a_.mutable_capabilities().attachments = false;
  b_.mutable_capabilities().international_addresses = true;
  Start({{"a", 1}, {"b", 2}});
  RouteQuery query = Bulk();
  EXPECT_EQ(Chosen(query), "a");
  query.attachments = true;
  EXPECT_EQ(Chosen(query), "b");
  query.attachments = false;
  query.international = true;
  EXPECT_EQ(Chosen(query), "b");
}

TEST_F(AccountRouterTest, IsNotIncapableBecauseTheCapableAccountIsDown) {
  a_.mutable_capabilities().attachments = false;
  Start({{"a", 1}, {"b", 2}});
  Disable("b");
  RouteQuery query = Bulk();
  query.attachments = true;
  EXPECT_EQ(router_->Choose(query).reason, "accounts_down");
}

TEST_F(AccountRouterTest, PrefersTheCheaperAmongEquals) {
  Start({{"a", 1, 5, 100}, {"b", 1, 2, 1}, {"c", 2, 0, 1}});
  EXPECT_EQ(Chosen(Bulk()), "b");
  Disable("b");
  EXPECT_EQ(Chosen(Bulk()), "a");
}

TEST_F(AccountRouterTest, SharesByWeightAmongEquals) {
  Start({{"a", 1, 0, 3}, {"b", 1, 0, 1}});
  std::map<std::string, int> chosen;
  for (int i = 0; i < 100; ++i) {
    random_ = i / 100.0;
    ++chosen[Chosen(Bulk())];
  }
  EXPECT_EQ(chosen, (std::map<std::string, int>{{"a", 75}, {"b", 25}}));
}

TEST_F(AccountRouterTest, TestMailGoesToTheSandboxWhateverItsHealth) {
  Start({{"a", 1}});
  RouteQuery query = Bulk();
  query.test = true;
  EXPECT_EQ(Chosen(query), "sandbox");
  Disable("sandbox");
  EXPECT_EQ(Chosen(query), "sandbox");
  query.excluded = {"sandbox"};
  EXPECT_EQ(Chosen(query), "-");
}

TEST_F(AccountRouterTest, TestMailNeverGoesOutForRealWithoutASandbox) {
  Start({{"a", 1}});
  AccountRouter router({&a_}, nullptr, table_.get(), board_.get(), [] { return 0.0; });
  RouteQuery query = Bulk();
  query.test = true;
  EXPECT_EQ(router.Choose(query).provider, nullptr);
}

TEST_F(AccountRouterTest, ALaneWithoutARouteWaitsForOne) {
  Start({{"gone", 1}});
  const RouteChoice choice = router_->Choose(Bulk());
  EXPECT_EQ(choice.reason, "no_route");
  EXPECT_FALSE(choice.for_good);
}

TEST_F(AccountRouterTest, AnAccountOnProbationGetsAFewEmailsAndTheNextOneTheRest) {
  Start({{"a", 1}, {"b", 2}});
  store_.accounts.at("a").breaker.state = storage::BreakerState::kHalfOpen;
  store_.accounts.at("a").breaker.prober = "one";
  store_.accounts.at("a").breaker.until = store_.now + absl::Seconds(10);
  ASSERT_TRUE(board_->Sync().ok());
  RouteQuery peek = Bulk();
  peek.peek = true;
  EXPECT_EQ(Chosen(peek), "a");
  std::string chosen;
  for (int i = 0; i < 5; ++i) chosen += Chosen(Bulk());
  EXPECT_EQ(chosen, "aaabb");
}

TEST_F(AccountRouterTest, RepeatsOnlyWhereItWasAndWhenThatIsHealthy) {
  Start({{"a", 1}, {"b", 2}});
  EXPECT_EQ(router_->ChooseAccount("b").provider, &b_);
  Disable("b");
  EXPECT_EQ(router_->ChooseAccount("b").provider, nullptr);
  EXPECT_EQ(router_->ChooseAccount("gone").reason, "no_route");
}

TEST(QueryFor, SaysWhatTheMessageNeeds) {
  storage::LeasedEmail email;
  email.lane = Lane::kCritical;
  email.tried_accounts = {"a"};
  providers::OutboundMessage message;
  message.to.address = "reader@example.test";
  message.html = "12345";
  message.attachments.push_back({"a.txt", "text/plain", "1234", ""});
  RouteQuery query = QueryFor(email, message);
  EXPECT_EQ(query.lane, Lane::kCritical);
  EXPECT_EQ(query.message_bytes, 5u + 8u);
  EXPECT_TRUE(query.attachments);
  EXPECT_FALSE(query.international);
  EXPECT_EQ(query.excluded, std::vector<std::string>{"a"});
  message.to.address = "leser-ü@example.test";
  EXPECT_TRUE(QueryFor(email, message).international);
  message.to.address = "reader@xn--bcher-kva.test";
  EXPECT_FALSE(QueryFor(email, message).international);
}

}  // namespace
}  // namespace herald::delivery
