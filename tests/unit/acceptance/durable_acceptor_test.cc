#include "server/acceptance/durable_acceptor.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "absl/synchronization/notification.h"
#include "server/identity/caller.h"
#include "server/status/status_details.h"
#include "storage/category_store.h"
#include "tests/support/one_template_store.h"
#include "tests/support/unasked_email_store.h"

namespace herald::acceptance {
namespace {

// Knows no category; only ListCategories is asked for here.
class NoCategories final : public storage::CategoryStore {
 public:
  using Category = storage::Category;
  absl::StatusOr<Category> CreateCategory(TenantId, const Category&) override { return Not(); }
  absl::StatusOr<Category> GetCategory(TenantId, absl::string_view) override { return Not(); }
  absl::StatusOr<std::vector<Category>> ListCategories(TenantId, bool) override {
    return std::vector<Category>();
  }
  absl::StatusOr<Category> UpdateCategory(TenantId, absl::string_view,
                                          const storage::CategoryUpdate&) override {
    return Not();
  }
  absl::Status DeleteCategory(TenantId, absl::string_view) override { return Not(); }

 private:
  static absl::Status Not() { return absl::UnimplementedError("not here"); }
};

// Keeps keys with the hash of what they were used for.
class KeyStore final : public support::UnaskedEmailStore {
 public:
  absl::StatusOr<std::vector<storage::AcceptResult>> AcceptEmails(
      absl::Span<const storage::NewEmail> emails) override {
    using Kind = storage::AcceptResult::Kind;
    absl::MutexLock lock(&mutex_);
    std::vector<storage::AcceptResult> results(emails.size());
    for (size_t i = 0; i < emails.size(); ++i) {
      const auto [held, is_new] =
          hashes_.try_emplace(emails[i].idempotency_key, emails[i].request_hash);
      const bool equal = held->second == emails[i].request_hash;
      results[i].kind = is_new ? Kind::kAccepted : equal ? Kind::kReplayed : Kind::kConflict;
      if (equal) results[i].existing = std::make_shared<storage::EmailRecord>();
    }
    return results;
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::string> hashes_ ABSL_GUARDED_BY(mutex_);
};

using Requests = google::protobuf::RepeatedPtrField<v1::SendEmailRequest>;

// A call's requests go with the call, which its answer ends: at once, where every item was refused
// or had its template loaded elsewhere meanwhile.
TEST(DurableAcceptor, NeverLooksAtABatchThatWasAnswered) {
  NoCategories store;
  preferences::CategoryCatalog categories(&store, absl::Now);
  ASSERT_TRUE(categories.Load(TenantId{}).ok());
  GroupCommitter committer(/*store=*/nullptr, {}, absl::Now);
  EmailIdGenerator ids(1);
  DurableAcceptor acceptor(
      /*catalog=*/nullptr, &categories, /*links=*/nullptr, &committer, &ids,
      {{Lane::kTransactional, absl::Hours(24)}}, [](auto) { return false; }, absl::Now);
  auto requests = std::make_unique<Requests>();
  for (int i = 0; i < 3; ++i) {
    v1::SendEmailRequest& request = *requests->Add();
    request.set_idempotency_key("order:1");
    request.mutable_recipient()->set_email("ada@example.com");
    request.mutable_from()->set_email("shop@example.com");
    request.mutable_inline_()->set_subject("Hello");
    request.mutable_inline_()->set_text("Body");
  }
  int answers = 0;
  acceptor.AcceptMany(std::make_shared<identity::Caller>(), *requests, "", absl::InfiniteFuture(),
                      [&](std::vector<absl::StatusOr<Accepted>> results) {
                        ++answers;
                        requests.reset();
                        ASSERT_EQ(results.size(), 3u);
                        for (const auto& result : results) {
                          EXPECT_FALSE(result.ok());
                        }
                      });
  EXPECT_EQ(answers, 1);
}

TEST(DurableAcceptor, LooksUpOnceWhatABatchNames) {
  NoCategories store;
  preferences::CategoryCatalog categories(&store, absl::Now);
  ASSERT_TRUE(categories.Load(TenantId{}).ok());
  support::OneTemplateStore templates({"welcome", 1, "Hi", "", "Hi", "[]", absl::UnixEpoch()});
  catalog::TemplateCatalog catalog(&templates, {}, absl::Now);
  GroupCommitter committer(/*store=*/nullptr, {}, absl::Now);
  EmailIdGenerator ids(1);
  int lookups = 0;
  DurableAcceptor acceptor(
      &catalog, &categories, /*links=*/nullptr, &committer, &ids,
      {{Lane::kTransactional, absl::Hours(24)}},
      [&](auto) {
        ++lookups;
        return false;
      },
      absl::Now);
  Requests requests;
  for (int i = 0; i < 3; ++i) requests.Add()->mutable_template_()->set_key("welcome");
  std::vector<absl::StatusOr<Accepted>> answers;
  acceptor.AcceptMany(std::make_shared<identity::Caller>(), requests, "", absl::InfiniteFuture(),
                      [&](std::vector<absl::StatusOr<Accepted>> results) { answers = results; });
  ASSERT_EQ(answers.size(), 3u);
  for (const auto& answer : answers) EXPECT_EQ(ErrorReason(answer.status()), "OVERLOADED");
  EXPECT_EQ(lookups, 1);
}

// Otherwise the real email would be answered with the test one, and never be sent.
TEST(DurableAcceptor, ATestSendUsesItsKeyForAnotherEmailThanTheRealOne) {
  NoCategories store;
  preferences::CategoryCatalog categories(&store, absl::Now);
  ASSERT_TRUE(categories.Load(TenantId{}).ok());
  support::OneTemplateStore templates({"welcome", 1, "Hi", "", "Hi", "[]", absl::UnixEpoch()});
  catalog::TemplateCatalog catalog(&templates, {}, absl::Now);
  ASSERT_TRUE(catalog.LoadForSending(TenantId{}, "welcome", 0).ok());
  KeyStore emails;
  GroupCommitter committer(&emails, {}, absl::Now);
  EmailIdGenerator ids(1);
  DurableAcceptor acceptor(
      &catalog, &categories, /*links=*/nullptr, &committer, &ids,
      {{Lane::kTransactional, absl::Hours(24)}}, [](auto) { return false; }, absl::Now);
  auto caller = std::make_shared<identity::Caller>();
  caller->sender_domains = {"example.com"};
  v1::SendEmailRequest request;
  request.set_idempotency_key("order:1");
  request.mutable_recipient()->set_email("ada@example.com");
  request.mutable_from()->set_email("shop@example.com");
  request.mutable_template_()->set_key("welcome");
  const auto accept = [&](auto method) {
    absl::Notification done;
    absl::StatusOr<Accepted> answer = absl::UnknownError("none");
    (acceptor.*method)(caller, request, "", absl::InfiniteFuture(), [&](auto result) {
      answer = std::move(result);
      done.Notify();
    });
    done.WaitForNotification();
    return answer;
  };
  const absl::StatusOr<Accepted> test = accept(&DurableAcceptor::AcceptTest);
  ASSERT_TRUE(test.ok()) << test.status();
  EXPECT_FALSE(test->replayed);
  const absl::Status real = accept(&DurableAcceptor::Accept).status();
  EXPECT_EQ(real.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(real), "IDEMPOTENCY_KEY_REUSED");
  const absl::StatusOr<Accepted> again = accept(&DurableAcceptor::AcceptTest);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->replayed);
}

}  // namespace
}  // namespace herald::acceptance
