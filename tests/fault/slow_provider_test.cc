// A provider that takes its time and is well all the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "herald/v1/contact_service.grpc.pb.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/support/resend_emulator.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr absl::Duration kProviderDelay = absl::Seconds(1);

class SlowProviderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    settings_.accounts = {{"provider", provider_.url()}};
    settings_.route = "provider";
    settings_.provider_timeout = absl::Seconds(10);
    settings_.lease = absl::Seconds(60);
    settings_.drain_grace = absl::Seconds(4);
    ASSERT_OK_AND_ASSIGN(stack_, Stack::Create());
    ASSERT_OK(stack_->Start(settings_));
    ASSERT_OK(stack_->Provision());
  }

  const Tenant& tenant() const { return stack_->tenants()[0]; }

  // Emails number `first` to `last`.
  void Send(int first, int last, v1::Lane lane) {
    std::vector<client::KeyedEmail> emails;
    for (int i = first; i <= last; ++i) {
      emails.push_back(
          {*client::IdempotencyKey::Create(absl::StrCat("code:", i)), EmailOf(i, lane)});
    }
    ASSERT_OK_AND_ASSIGN(const auto results, stack_->Connect(tenant()).SendEmails(emails));
    for (const auto& result : results) {
      ASSERT_OK(result);
      const std::string& key = result->email.idempotency_key();
      acknowledged_[{tenant().id, key}] = {result->email.id(), 0};
    }
  }

  testing::TempDirectory directory_;
  const std::string record_ = directory_.path() + "/taken";
  testing::ResendEmulator provider_{{.ground_truth = record_, .fault = [](int) {
                                       testing::ResendFault none;
                                       none.delay = kProviderDelay;
                                       return none;
                                     }}};
  Settings settings_;
  std::unique_ptr<Stack> stack_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_;
};

// Whatever waits for a connection of our own would look like a provider that has become slow.
TEST_F(SlowProviderTest, ABurstOfCriticalMailIsNotTakenForAProviderThatIsDown) {
  Send(1, 900, v1::LANE_CRITICAL);
  ASSERT_TRUE(AwaitQuiescence(*stack_, kPatience)) << stack_->process().Stderr();
  ExpectAccountedFor(*stack_, {acknowledged_, {record_}, true});
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.attempts WHERE outcome <> 1"), "0");
  EXPECT_THAT(stack_->process().Stderr(), Not(HasSubstr("account_breaker")));
}

TEST_F(SlowProviderTest, AStreamThatIdlesLeavesADrainTheTimeForWhatIsInFlight) {
  const auto channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", stack_->port()),
                                           grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  context.AddMetadata("authorization", absl::StrCat("Bearer ", tenant().token));
  v1::ImportContactsResponse response;
  const auto import = v1::ContactService::NewStub(channel)->ImportContacts(&context, &response);
  v1::ImportContactsRequest rows;
  rows.add_contacts()->set_email("ada@example.com");
  ASSERT_TRUE(import->Write(rows));

  // More than the grace is enough for: at its end something would always be in flight.
  for (int i = 0; i < 4; ++i) Send(i * 1000 + 1, (i + 1) * 1000, v1::LANE_TRANSACTIONAL);
  ASSERT_EQ(stack_->Terminate(settings_.drain_grace + kPatience), 0);
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.attempts WHERE outcome = 3"), "0");
  EXPECT_EQ(stack_->Query("SELECT count(*) FROM herald.queue WHERE lease_until IS NOT NULL"), "0");
  EXPECT_NE(stack_->Query("SELECT count(*) FROM herald.queue"), "0") << "that was no backlog";
  ExpectAccountedFor(*stack_, {acknowledged_, {record_}, true, true});
  import->Finish();
}

}  // namespace
}  // namespace herald::fault
