// What acceptance asks of marketing mail: a way out that works, and that is Herald's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "herald/internal/v1/content.pb.h"
#include "server/acceptance/durable_acceptor.h"
#include "server/status/status_details.h"
#include "storage/crypto/master_keys.h"
#include "tests/support/one_template_store.h"
#include "tests/support/unasked_email_store.h"

namespace herald::acceptance {
namespace {

using storage::AcceptResult;

// Accepts everything and keeps it.
class KeepingStore final : public support::UnaskedEmailStore {
 public:
  absl::StatusOr<std::vector<AcceptResult>> AcceptEmails(
      absl::Span<const storage::NewEmail> emails) override {
    kept.insert(kept.end(), emails.begin(), emails.end());
    std::vector<AcceptResult> results(emails.size());
    for (AcceptResult& result : results) result.kind = AcceptResult::Kind::kAccepted;
    return results;
  }

  std::vector<storage::NewEmail> kept;
};

// "news" is marketing, "old" was deleted.
class Categories final : public storage::CategoryStore {
 public:
  using Row = absl::StatusOr<storage::Category>;
  Row CreateCategory(TenantId, const storage::Category&) override { return Not(); }
  Row GetCategory(TenantId, absl::string_view) override { return Not(); }
  absl::StatusOr<std::vector<storage::Category>> ListCategories(TenantId, bool) override {
    storage::Category news, old;
    news.key = "news";
    news.marketing = true;
    old.key = "old";
    old.deleted = true;
    return std::vector<storage::Category>{news, old};
  }
  Row UpdateCategory(TenantId, absl::string_view, const storage::CategoryUpdate&) override {
    return Not();
  }
  absl::Status DeleteCategory(TenantId, absl::string_view) override { return Not(); }

 private:
  static absl::Status Not() { return absl::UnimplementedError("not asked for"); }
};

class MarketingTest : public ::testing::Test {
 protected:
  // Accepts over links that begin with `base_url`.
  absl::StatusOr<Accepted> Accept(const v1::SendEmailRequest& request,
                                  const std::string& base_url) {
    const preferences::UnsubscribeLinks links(base_url, tokens_);
    GroupCommitter committer(&store_, {}, absl::Now);
    DurableAcceptor acceptor(
        &catalog_, &category_catalog_, &links, &committer, &ids_,
        {{Lane::kTransactional, absl::Hours(1)}},
        [](std::function<void()> task) {
          task();
          return true;
        },
        absl::Now);
    auto caller = std::make_shared<identity::Caller>();
    caller->tenant = TenantId{7};
    caller->sender_domains = {"shop.example"};
    absl::Notification done;
    absl::StatusOr<Accepted> accepted = absl::UnknownError("not called");
    acceptor.Accept(caller, request, "", absl::InfiniteFuture(), [&](auto result) {
      accepted = std::move(result);
      done.Notify();
    });
    done.WaitForNotification();
    return accepted;
  }

  static v1::SendEmailRequest Of(const std::string& category) {
    v1::SendEmailRequest request;
    request.set_idempotency_key("key");
    request.mutable_recipient()->set_email("Anna@Example.com");
    request.mutable_from()->set_email("news@shop.example");
    request.mutable_template_()->set_key("news");
    request.set_category(category);
    return request;
  }

  KeepingStore store_;
  Categories categories_;
  support::OneTemplateStore templates_{
      {"news", 1, "News", "<a href=\"{{unsubscribe_url}}\">x</a>", "", "[]", absl::UnixEpoch()}};
  catalog::TemplateCatalog catalog_{&templates_, {}, absl::Now};
  preferences::CategoryCatalog category_catalog_{&categories_, absl::Now};
  const preferences::UnsubscribeTokens tokens_{
      storage::MasterKeys::Parse("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
          ->DeriveSealer("unsubscribe tokens"),
      absl::Hours(1000)};
  EmailIdGenerator ids_{1};
};

TEST_F(MarketingTest, CarriesALinkThatOpensToItsRecipient) {
  const auto accepted = Accept(Of("news"), "https://mail.shop.example");
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  internal::v1::EmailContent content;
  ASSERT_TRUE(content.ParseFromString(store_.kept.at(0).content));
  const std::string prefix = "https://mail.shop.example/u/";
  ASSERT_EQ(content.unsubscribe_url().rfind(prefix, 0), 0u);
  const auto subject = tokens_.Open(content.unsubscribe_url().substr(prefix.size()), absl::Now());
  ASSERT_TRUE(subject.ok()) << subject.status();
  EXPECT_EQ(subject->tenant, TenantId{7});
  EXPECT_EQ(subject->email, accepted->email.id);
  EXPECT_EQ(subject->address, "anna@example.com");
  EXPECT_EQ(subject->category, "news");
}

TEST_F(MarketingTest, IsRefusedWhereNoLinkCanBeMade) {
  const absl::Status refused = Accept(Of("news"), "").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused), "UNSUBSCRIBE_NOT_CONFIGURED");
  EXPECT_TRUE(store_.kept.empty());
}

TEST_F(MarketingTest, IsRefusedWithALinkOfTheCallersOwn) {
  for (const char* header : {"List-Unsubscribe", "list-unsubscribe-post"}) {
    v1::SendEmailRequest request = Of("news");
    (*request.mutable_headers())[header] = "<https://elsewhere.example/>";
    EXPECT_EQ(ErrorReason(Accept(request, "https://mail.shop.example").status()),
              "INVALID_REQUEST");
  }
  EXPECT_TRUE(store_.kept.empty());
}

TEST_F(MarketingTest, IsNotWhatAnUndeclaredCategoryIs) {
  v1::SendEmailRequest request = Of("receipts");
  (*request.mutable_headers())["List-Unsubscribe"] = "<https://elsewhere.example/>";
  (*request.mutable_variables()->mutable_fields())["unsubscribe_url"].set_string_value("x");
  ASSERT_TRUE(Accept(request, "").ok());
  internal::v1::EmailContent content;
  ASSERT_TRUE(content.ParseFromString(store_.kept.at(0).content));
  EXPECT_EQ(content.unsubscribe_url(), "");
}

TEST_F(MarketingTest, OfADeletedCategoryIsRefused) {
  EXPECT_EQ(ErrorReason(Accept(Of("old"), "https://mail.shop.example").status()),
            "CATEGORY_DELETED");
}

}  // namespace
}  // namespace herald::acceptance
