// A tenant's searches hold up neither other tenants' nor any other call.
#include "server/rpc/search_executor.h"

#include <gmock/gmock.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "herald/v1/contact_service.grpc.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

using ::testing::ElementsAre;

constexpr TenantId kAda{1}, kBob{2};

// Tasks that say when they began and end when they are let go.
class SearchExecutorTest : public ::testing::Test {
 protected:
  ~SearchExecutorTest() override {
    LetGo();
    executor_.Stop();
  }
  bool Submit(TenantId tenant) { return SubmitTo(executor_, tenant); }
  bool SubmitTo(SearchExecutor& executor, TenantId tenant) {
    return executor.Submit(tenant, [this, tenant] {
      {
        absl::MutexLock lock(&mutex_);
        begun_.push_back(tenant);
      }
      if (!go_on_.HasBeenNotified()) go_on_.WaitForNotification();
    });
  }
  std::vector<TenantId> AwaitBegun(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return begun_.size() >= count; };
    mutex_.Await(absl::Condition(&there));
    return begun_;
  }
  void LetGo() {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
  }

  absl::Mutex mutex_;
  std::vector<TenantId> begun_ ABSL_GUARDED_BY(mutex_);
  absl::Notification go_on_;
  SearchExecutor executor_{3, 4};
};

TEST_F(SearchExecutorTest, OneThreadIsLeftToOtherTenants) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Submit(kAda));
  EXPECT_THAT(AwaitBegun(2), ElementsAre(kAda, kAda));
  ASSERT_TRUE(Submit(kBob));
  EXPECT_THAT(AwaitBegun(3), ElementsAre(kAda, kAda, kBob));
}

TEST_F(SearchExecutorTest, ThoseThatWaitTakeTurns) {
  SearchExecutor one(1, 4);
  ASSERT_TRUE(SubmitTo(one, kAda));
  AwaitBegun(1);
  for (const TenantId tenant : {kAda, kAda, kBob}) ASSERT_TRUE(SubmitTo(one, tenant));
  LetGo();
  EXPECT_THAT(AwaitBegun(4), ElementsAre(kAda, kAda, kBob, kAda));
}

TEST_F(SearchExecutorTest, TooManyOfATenantAreRefusedAndOnlyItsOwn) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Submit(kAda));
  AwaitBegun(2);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Submit(kAda));
  EXPECT_FALSE(Submit(kAda));
  EXPECT_TRUE(Submit(kBob));
}

TEST_F(SearchExecutorTest, AStopRunsWhatItHoldsAndTakesNothingMore) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Submit(kAda));
  std::thread stop([this] { executor_.Stop(); });
  AwaitBegun(2);
  LetGo();
  stop.join();
  EXPECT_EQ(AwaitBegun(4).size(), 4u);
  EXPECT_FALSE(Submit(kBob));
}

class SearchesTest : public ServerFixture {};

TEST_F(SearchesTest, ATenantsSlowFiltersHoldUpNothingElse) {
  constexpr int kSearches = 60;  // more than there are threads of any kind
  absl::Notification go_on;
  contacts_.on_find = [&](TenantId) { go_on.WaitForNotification(); };
  Start();
  const auto contacts = v1::ContactService::NewStub(channel_);
  std::vector<std::thread> callers;
  std::atomic<int> listed{0};
  for (int i = 0; i < kSearches; ++i) {
    callers.emplace_back([&] {
      v1::ListContactsResponse page;
      if (contacts->ListContacts(As(token_).get(), {}, &page).ok()) ++listed;
    });
  }
  v1::CreateContactRequest create;
  v1::Contact contact;
  for (int i = 0; i < 20; ++i) {
    create.mutable_contact()->set_email(absl::StrCat("u", i, "@x.com"));
    ASSERT_TRUE(contacts->CreateContact(As(token_).get(), create, &contact).ok());
  }
  go_on.Notify();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(listed, kSearches);
}

}  // namespace
}  // namespace herald::rpc
