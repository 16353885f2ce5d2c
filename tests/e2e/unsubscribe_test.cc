// From the link in a marketing email to the mail that no longer goes out, through the sidecar.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kQueued = 10'000;  // of each category that is left
constexpr int kCallers = 4;
constexpr int kItems = 1000;  // of a call
constexpr char kMultipart[] =
    "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n"
    "--b--\r\n";

class Unsubscribing : public ::testing::Test {
 protected:
  void SetUp() override {
    Declare("news", v1::Category::KIND_MARKETING, "News & offers");
    Declare("tips", v1::Category::KIND_MARKETING, "Tips");
    Declare("orders", v1::Category::KIND_TRANSACTIONAL, "Orders");
  }

  void Declare(const std::string& key, v1::Category::Kind kind, const std::string& name) {
    v1::CreateCategoryRequest request;
    request.mutable_category()->set_key(key);
    request.mutable_category()->set_kind(kind);
    request.mutable_category()->set_display_name(name);
    ASSERT_OK(tenant_.api().CreateCategory(request));
  }
  v1::SendEmailRequest Of(const std::string& category) const {
    v1::SendEmailRequest request = tenant_.EmailTo("delivered");
    request.set_category(category);
    return request;
  }
  // Sends one marketing email and returns the link in the mail that the sandbox took.
  std::string LinkOf(const std::string& category) const {
    return tenant_.UnsubscribeLink(tenant_.Send(Of(category)).id());
  }
  // What curl gets: the body, and the status on a last line of its own.
  static std::string Curl(std::vector<std::string> arguments) {
    support::ChildOptions curl;
    curl.argv = {"curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}"};
    curl.argv.insert(curl.argv.end(), arguments.begin(), arguments.end());
    const absl::StatusOr<std::string> text = support::RunToEnd(curl, absl::Seconds(30));
    return text.ok() ? *text : text.status().ToString();
  }

  // Queues many emails of a category for later, all to the same recipient, by several callers.
  void QueueMany(const std::string& category, int count) const {
    std::atomic<int> left{count};
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        while (left.fetch_sub(kItems) > 0) QueueBatch(category);
      });
    }
    for (std::thread& caller : callers) caller.join();
  }
  void QueueBatch(const std::string& category) const {
    v1::SendEmailRequest request = Of(category);
    *request.mutable_send_time() = Timestamp(absl::Now() + absl::Hours(1));
    std::vector<client::KeyedEmail> batch;
    for (int i = 0; i < kItems; ++i) batch.push_back({NewKey(), request});
    const auto sent = tenant_.api().SendEmails(std::move(batch));
    ASSERT_OK(sent);
    for (const auto& result : *sent) EXPECT_OK(result);
  }
  std::string Sql(const std::string& statement) const {
    const auto answer = Stack::Shared().Sql(statement);
    EXPECT_OK(answer);
    return answer.ok() ? *answer : "";
  }

  // Lets everything that waits go now, and waits until nothing is queued.
  void SendNow() const {
    Sql(absl::StrCat("UPDATE herald.queue SET run_at = now() WHERE tenant_id = ", Number()));
    const std::string left =
        absl::StrCat("SELECT count(*) FROM herald.queue WHERE tenant_id = ", Number());
    const absl::Time deadline = absl::Now() + absl::Minutes(3);
    while (Sql(left) != "0" && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(200));
    EXPECT_EQ(Sql(left), "0");
  }
  std::string Number() const {
    return Sql(
        absl::StrCat("SELECT tenant_id FROM herald.tenants WHERE slug = '", tenant_.slug(), "'"));
  }
  std::string States(const std::string& category) const {
    return Sql(
        absl::StrCat("SELECT state, state_reason, count(*) FROM herald.emails WHERE "
                     "send_time IS NOT NULL AND category = '",
                     category, "' AND tenant_id = ", Number(), " GROUP BY 1, 2"));
  }

  const Tenant tenant_{"leaving"};
};

TEST_F(Unsubscribing, OneClickInEitherEncodingStopsEverythingQueuedOfThatCategory) {
  const std::string news = LinkOf("news"), tips = LinkOf("tips");
  QueueMany("news", kQueued);
  QueueMany("tips", kQueued);
  QueueMany("orders", kItems);
  EXPECT_EQ(Curl({"-H", "Content-Type: multipart/form-data; boundary=b", "--data-binary",
                  kMultipart, news}),
            "\n200");
  EXPECT_EQ(Curl({"--data", "List-Unsubscribe=One-Click", tips}), "\n200");
  SendNow();
  EXPECT_EQ(States("news"), absl::StrCat("11|preference|", kQueued));
  EXPECT_EQ(States("tips"), absl::StrCat("11|preference|", kQueued));
  EXPECT_EQ(Sql(absl::StrCat("SELECT count(*) FROM herald.attempts a JOIN herald.emails e "
                             "USING (tenant_id, email_id) WHERE e.send_time IS NOT NULL AND "
                             "e.category <> 'orders' AND e.tenant_id = ",
                             Number())),
            "0");
  EXPECT_EQ(Sql(absl::StrCat("SELECT count(*) FROM herald.emails WHERE category = 'orders' AND "
                             "state >= 5 AND state <= 6 AND tenant_id = ",
                             Number())),
            absl::StrCat(kItems));
  EXPECT_EQ(tenant_.Send(Of("news")).state_reason(), "preference");
  EXPECT_EQ(Sql(absl::StrCat("SELECT count(*) FROM herald.audit_entries WHERE actor = "
                             "'recipient' AND tenant_id = ",
                             Number())),
            "2");
}

TEST_F(Unsubscribing, ThePageShowsTheChoicesAndSavesThemWithoutScript) {
  const std::string link = LinkOf("news");
  const std::string page = Curl({link});
  EXPECT_THAT(page, AllOf(HasSubstr("value=\"news\" checked"), HasSubstr("News &amp; offers"),
                          HasSubstr("value=\"tips\" checked"), HasSubstr("\n200")));
  EXPECT_FALSE(absl::StrContains(page, "delivered@"));
  EXPECT_EQ(tenant_.Send(Of("news")).state_reason(), "") << "looking changed something";

  const std::string saved = Curl({"--data", "category=news&action=save", link});
  EXPECT_THAT(saved, AllOf(HasSubstr("value=\"news\" checked"), HasSubstr("role=\"status\""),
                           HasSubstr("\n200")));
  EXPECT_EQ(tenant_.Send(Of("tips")).state_reason(), "preference");
  EXPECT_EQ(tenant_.Send(Of("news")).state_reason(), "");

  EXPECT_THAT(Curl({"--data", "category=news&action=all", link}), HasSubstr("\n200"));
  EXPECT_EQ(tenant_.Send(Of("news")).state_reason(), "unsubscribe");
  EXPECT_EQ(tenant_.Send(Of("orders")).state_reason(), "");

  EXPECT_THAT(Curl({"--data", "category=news&action=save", link}), HasSubstr("\n200"));
  EXPECT_EQ(tenant_.Send(Of("news")).state_reason(), "");
}

TEST_F(Unsubscribing, ALinkThatWasChangedDoesNothing) {
  std::string link = LinkOf("news");
  link[link.size() - 20] = link[link.size() - 20] == 'A' ? 'B' : 'A';
  EXPECT_THAT(Curl({link}), HasSubstr("\n404"));
  EXPECT_THAT(Curl({"--data", "List-Unsubscribe=One-Click", link}), HasSubstr("\n404"));
  EXPECT_EQ(tenant_.Send(Of("news")).state_reason(), "");
}

TEST_F(Unsubscribing, MarketingWithAnotherWayOutIsRefused) {
  v1::SendEmailRequest request = Of("news");
  (*request.mutable_headers())["list-unsubscribe"] = "<https://elsewhere.example/>";
  const auto sent = tenant_.api().SendEmail(NewKey(), request);
  EXPECT_EQ(ReasonOf(sent.status()), "INVALID_REQUEST");
  EXPECT_THAT(ViolatedFields(sent.status()), ::testing::ElementsAre("headers[list-unsubscribe]"));
}

TEST_F(Unsubscribing, AHardBounceSuppressesTheNextEmailUntilItIsLifted) {
  const v1::Email email = tenant_.SendTo("bounced");
  tenant_.Await(email.id(), v1::Email::STATE_BOUNCED);
  EXPECT_EQ(tenant_.SendTo("bounced").state_reason(), "hard_bounce");
  v1::CheckSuppressionRequest check;
  check.set_email("bounced@sandbox.herald.test");
  ASSERT_OK_AND_ASSIGN(const auto found, tenant_.api().CheckSuppression(check));
  ASSERT_EQ(found.suppressions_size(), 1);
  EXPECT_EQ(found.suppressions(0).reason(), v1::Suppression::REASON_HARD_BOUNCE);
  v1::DeleteSuppressionRequest lift;
  lift.set_email("bounced@sandbox.herald.test");
  ASSERT_OK(tenant_.api().DeleteSuppression(lift));
  EXPECT_EQ(tenant_.SendTo("bounced").state_reason(), "");
}

TEST_F(Unsubscribing, AnOperatorsSuppressionBindsEveryTenantUntilItIsLifted) {
  v1::CreateSuppressionRequest stop;
  stop.set_email("everywhere@example.com");
  ASSERT_OK(Stack::Shared().operator_client().CreateGlobalSuppression(stop));
  const Tenant other("leaving-too");
  EXPECT_EQ(tenant_.SendTo("everywhere@example.com").state_reason(), "global_manual");
  EXPECT_EQ(other.SendTo("everywhere@example.com").state_reason(), "global_manual");
  v1::DeleteSuppressionRequest lift;
  lift.set_email("everywhere@example.com");
  ASSERT_OK(Stack::Shared().operator_client().DeleteGlobalSuppression(lift));
  EXPECT_EQ(tenant_.SendTo("everywhere@example.com").state_reason(), "");
}

}  // namespace
}  // namespace herald::e2e
