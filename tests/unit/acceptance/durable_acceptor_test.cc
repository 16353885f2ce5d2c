#include "server/acceptance/durable_acceptor.h"

#include <gtest/gtest.h>

#include <memory>

#include "server/identity/caller.h"
#include "server/status/status_details.h"
#include "storage/category_store.h"
#include "tests/support/one_template_store.h"

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

}  // namespace
}  // namespace herald::acceptance
