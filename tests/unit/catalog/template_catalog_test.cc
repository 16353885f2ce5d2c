#include "server/catalog/template_catalog.h"

#include <gtest/gtest.h>

#include "server/status/status_details.h"
#include "tests/support/one_template_store.h"

namespace herald::catalog {
namespace {

class TemplateCatalogTest : public testing::Test {
 protected:
  static storage::TemplateVersionRow Version(int version) {
    return {"welcome", version, "Hi {{name}}", "<p>{{name}}</p>", "", "[]", absl::UnixEpoch()};
  }

  PinnedTemplatePtr Cached(int version = 0) {
    return catalog_.TryForSending(tenant_, "welcome", version).pinned;
  }
  bool AsksForRefresh() { return catalog_.TryForSending(tenant_, "welcome", 0).refresh; }

  const TenantId tenant_{1};
  absl::Time now_ = absl::FromUnixSeconds(1'790'000'000);
  support::OneTemplateStore store_{Version(2)};
  TemplateCatalog catalog_{&store_, {}, [this] { return now_; }};
};

TEST_F(TemplateCatalogTest, AsksTheStoreOnce) {
  EXPECT_EQ(Cached(), nullptr);
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  for (int i = 0; i < 10; ++i) {
    const auto pinned = Cached();
    ASSERT_NE(pinned, nullptr);
    EXPECT_EQ(pinned->version, 2);
  }
  EXPECT_NE(Cached(2), nullptr);
  EXPECT_EQ(store_.head_reads(), 1);
  EXPECT_EQ(store_.version_reads(), 1);
}

TEST_F(TemplateCatalogTest, LooksAtThePublishedVersionAgainAfterTwoSeconds) {
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  store_.set_published(Version(3));
  now_ += absl::Seconds(2);
  EXPECT_EQ(Cached()->version, 2);
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Cached(), nullptr);
  EXPECT_EQ((*catalog_.LoadForSending(tenant_, "welcome", 0))->version, 3);
}

TEST_F(TemplateCatalogTest, IsRefreshedInTimeByOneOfThoseWhoAsk) {
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  store_.set_published(Version(3));
  now_ += absl::Seconds(1);
  EXPECT_FALSE(AsksForRefresh());
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(AsksForRefresh());
  EXPECT_FALSE(AsksForRefresh()) << "one was asked already";
  EXPECT_EQ(Cached()->version, 2);
  catalog_.Refresh(tenant_, "welcome");
  ASSERT_NE(Cached(), nullptr) << "it is compiled before it is known";
  EXPECT_EQ(Cached()->version, 3);
  now_ += absl::Seconds(2);
  EXPECT_NE(Cached(), nullptr);
}

TEST_F(TemplateCatalogTest, ARefreshThatFailsChangesNothingAndOneThatFindsNothingForgets) {
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  store_.set_status(absl::UnavailableError("away"));
  catalog_.Refresh(tenant_, "welcome");
  EXPECT_NE(Cached(), nullptr);
  store_.set_status(absl::OkStatus());
  store_.set_deleted();
  catalog_.Refresh(tenant_, "welcome");
  EXPECT_EQ(Cached(), nullptr);
}

TEST_F(TemplateCatalogTest, ForgetsAtOnceWhenTold) {
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  catalog_.Forget(tenant_, "welcome");
  EXPECT_EQ(Cached(), nullptr);
}

TEST_F(TemplateCatalogTest, DoesNotKeepWhatWasReadBeforeItWasToldToForget) {
  ASSERT_TRUE(catalog_.ForRendering(tenant_, "welcome", 2).ok());
  store_.set_while_reading([this] {
    store_.set_published(Version(3));
    catalog_.Forget(tenant_, "welcome");
  });
  const auto old = catalog_.LoadForSending(tenant_, "welcome", 0);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ((*old)->version, 2);
  EXPECT_EQ(Cached(), nullptr);
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  EXPECT_EQ(Cached()->version, 3);
  store_.set_while_reading([this] {
    store_.set_deleted();
    catalog_.Forget(tenant_, "welcome");
  });
  catalog_.Refresh(tenant_, "welcome");
  EXPECT_EQ(Cached(), nullptr);
  EXPECT_EQ(ErrorReason(catalog_.LoadForSending(tenant_, "welcome", 0).status()),
            "TEMPLATE_NOT_FOUND");
}

TEST_F(TemplateCatalogTest, KeepsTenantsApart) {
  ASSERT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 0).ok());
  EXPECT_EQ(catalog_.TryForSending(TenantId{2}, "welcome", 0).pinned, nullptr);
}

TEST_F(TemplateCatalogTest, RendersWhatWasDeletedButSendsNothingNewWithIt) {
  store_.set_deleted();
  EXPECT_EQ(ErrorReason(catalog_.LoadForSending(tenant_, "welcome", 2).status()),
            "TEMPLATE_NOT_FOUND");
  EXPECT_TRUE(catalog_.ForRendering(tenant_, "welcome", 2).ok());
}

TEST_F(TemplateCatalogTest, AVersionFromBeforeADeletionIsRenderedButNotSentAgain) {
  ASSERT_TRUE(catalog_.ForRendering(tenant_, "welcome", 2).ok());
  store_.set_published(Version(3));
  store_.set_first_version(3);
  EXPECT_EQ(ErrorReason(catalog_.LoadForSending(tenant_, "welcome", 2).status()),
            "TEMPLATE_VERSION_NOT_FOUND");
  EXPECT_EQ(Cached(2), nullptr) << "though it is compiled";
  EXPECT_TRUE(catalog_.LoadForSending(tenant_, "welcome", 3).ok());
  EXPECT_NE(Cached(3), nullptr);
  EXPECT_TRUE(catalog_.ForRendering(tenant_, "welcome", 2).ok());
}

TEST_F(TemplateCatalogTest, SaysWhatIsMissing) {
  EXPECT_EQ(ErrorReason(catalog_.LoadForSending(tenant_, "other", 0).status()),
            "TEMPLATE_NOT_FOUND");
  EXPECT_EQ(ErrorReason(catalog_.LoadForSending(tenant_, "welcome", 9).status()),
            "TEMPLATE_VERSION_NOT_FOUND");
  store_.set_status(absl::UnavailableError("away"));
  EXPECT_EQ(ErrorReason(catalog_.LoadForSending(tenant_, "other", 0).status()),
            "STORAGE_UNAVAILABLE");
}

}  // namespace
}  // namespace herald::catalog
