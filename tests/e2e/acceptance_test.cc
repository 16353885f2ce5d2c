// Acceptance against the real database: keys, replays, conflicts, batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "absl/synchronization/mutex.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;

class Acceptance : public ::testing::Test {
 protected:
  int CountOf(const std::string& key) const {
    v1::ListEmailsRequest request;
    request.mutable_filter()->set_idempotency_key(key);
    const auto page = tenant_.api().ListEmails(request);
    EXPECT_OK(page);
    return page.ok() ? page->emails_size() : -1;
  }

  const Tenant tenant_{"acceptance"};
};

TEST_F(Acceptance, TheSameKeyAndContentAnswerTheSameEmail) {
  const v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  ASSERT_OK_AND_ASSIGN(const auto first, tenant_.api().SendEmail(Key("order:1"), request));
  ASSERT_OK_AND_ASSIGN(const auto second, tenant_.api().SendEmail(Key("order:1"), request));
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.email.id(), first.email.id());
  EXPECT_EQ(CountOf("order:1"), 1);
}

TEST_F(Acceptance, ARepetitionIsAnsweredWhereTheFirstRequestWouldBeRefusedByNow) {
  v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  const absl::Time expire_time = absl::Now() + absl::Seconds(2);
  *request.mutable_expire_time() = Timestamp(expire_time);
  ASSERT_OK_AND_ASSIGN(const auto first, tenant_.api().SendEmail(Key("order:late"), request));
  absl::SleepFor(expire_time - absl::Now() + absl::Milliseconds(50));
  EXPECT_THAT(tenant_.api().SendEmail(Key("order:later"), request),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const auto second, tenant_.api().SendEmail(Key("order:late"), request));
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.email.id(), first.email.id());
}

TEST_F(Acceptance, TheSameKeyWithOtherContentConflicts) {
  v1::SendEmailRequest request = tenant_.EmailTo("delivered");
  ASSERT_OK(tenant_.api().SendEmail(Key("order:2"), request));
  request.mutable_inline_()->set_text("It is late.");
  const auto conflict = tenant_.api().SendEmail(Key("order:2"), request);
  EXPECT_THAT(conflict, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(ReasonOf(conflict.status()), "IDEMPOTENCY_KEY_REUSED");
  EXPECT_EQ(CountOf("order:2"), 1);
}

TEST_F(Acceptance, AKeyBelongsToItsTenant) {
  const Tenant other("acceptance");
  ASSERT_OK_AND_ASSIGN(const auto ours,
                       tenant_.api().SendEmail(Key("order:3"), tenant_.EmailTo("delivered")));
  ASSERT_OK_AND_ASSIGN(const auto theirs,
                       other.api().SendEmail(Key("order:3"), other.EmailTo("delivered")));
  EXPECT_FALSE(theirs.replayed);
  EXPECT_NE(theirs.email.id(), ours.email.id());
}

// Sends `requests` at the same moment, each on a thread and, like other processes, a connection of
// its own.
std::vector<absl::StatusOr<client::SendResult>> SendAtOnce(
    const Tenant& tenant, const std::vector<v1::SendEmailRequest>& requests) {
  std::vector<absl::StatusOr<client::SendResult>> results(requests.size(),
                                                          absl::UnknownError("not called"));
  std::vector<std::thread> callers;
  auto* barrier = new absl::Barrier(static_cast<int>(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    callers.emplace_back([&, i] {
      const client::Client api = Stack::Shared().ClientWith(tenant.token());
      if (barrier->Block()) delete barrier;
      results[i] = api.SendEmail(Key("order:4"), requests[i]);
    });
  }
  for (std::thread& caller : callers) caller.join();
  return results;
}

TEST_F(Acceptance, SixtyFourConcurrentCallersWithOneKeyGetOneEmail) {
  const auto results =
      SendAtOnce(tenant_, std::vector<v1::SendEmailRequest>(64, tenant_.EmailTo("delivered")));
  std::set<std::string> ids;
  int fresh = 0;
  for (const auto& result : results) {
    ASSERT_OK(result);
    ids.insert(result->email.id());
    if (!result->replayed) ++fresh;
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(CountOf("order:4"), 1);
}

TEST_F(Acceptance, ConcurrentCallersWithOneKeyAndTwoContentsAgreeOnOne) {
  std::vector<v1::SendEmailRequest> requests(32, tenant_.EmailTo("delivered"));
  for (size_t i = 0; i < requests.size(); i += 2) requests[i].mutable_inline_()->set_text("Late.");
  const auto results = SendAtOnce(tenant_, requests);
  std::set<std::string> ids;
  int conflicts = 0;
  for (const auto& result : results) {
    if (result.ok()) {
      ids.insert(result->email.id());
      continue;
    }
    EXPECT_EQ(ReasonOf(result.status()), "IDEMPOTENCY_KEY_REUSED") << result.status();
    ++conflicts;
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(conflicts, 16);
  EXPECT_EQ(CountOf("order:4"), 1);
}

TEST_F(Acceptance, EachItemOfABatchHasItsOwnResult) {
  v1::SendEmailRequest bad_address = tenant_.EmailTo("delivered");
  bad_address.mutable_recipient()->set_email("no address");
  v1::SendEmailRequest bad_sender = tenant_.EmailTo("delivered");
  bad_sender.mutable_from()->set_email("hello@elsewhere.herald.test");
  v1::SendEmailRequest other = tenant_.EmailTo("delivered");
  other.mutable_inline_()->set_subject("Another");
  const auto sent = tenant_.api().SendEmails({{Key("batch:1"), tenant_.EmailTo("delivered")},
                                              {Key("batch:2"), bad_address},
                                              {Key("batch:3"), bad_sender},
                                              {Key("batch:1"), tenant_.EmailTo("delivered")},
                                              {Key("batch:1"), other},
                                              {Key("batch:4"), tenant_.EmailTo("delivered")}});
  ASSERT_OK(sent);
  ASSERT_EQ(sent->size(), 6u);
  ASSERT_OK((*sent)[0]);
  EXPECT_THAT((*sent)[1], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ViolatedFields((*sent)[1].status()), ElementsAre("recipient.email"));
  EXPECT_EQ(ReasonOf((*sent)[2].status()), "SENDER_NOT_ALLOWED");
  ASSERT_OK((*sent)[3]);
  EXPECT_TRUE((*sent)[3]->replayed);
  EXPECT_EQ((*sent)[3]->email.id(), (*sent)[0]->email.id());
  EXPECT_EQ(ReasonOf((*sent)[4].status()), "IDEMPOTENCY_KEY_REUSED");
  ASSERT_OK((*sent)[5]);
  tenant_.Await((*sent)[5]->email.id(), v1::Email::STATE_DELIVERED);
}

TEST_F(Acceptance, AFullBatchIsAcceptedAndDelivered) {
  std::vector<client::KeyedEmail> emails;
  for (int i = 0; i < 1000; ++i) {
    emails.push_back({Key(absl::StrCat("full:", i)), tenant_.EmailTo("delivered")});
  }
  const auto sent = tenant_.api().SendEmails(emails);
  ASSERT_OK(sent);
  std::set<std::string> ids;
  for (const auto& result : *sent) {
    ASSERT_OK(result);
    ids.insert(result->email.id());
  }
  EXPECT_EQ(ids.size(), 1000u);
  for (const std::string& id : ids) tenant_.Await(id, v1::Email::STATE_DELIVERED);
}

}  // namespace
}  // namespace herald::e2e
