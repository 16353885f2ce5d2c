#include "server/preferences/category_catalog.h"

#include <gtest/gtest.h>

#include <utility>

#include "absl/time/clock.h"

namespace herald::preferences {
namespace {

// Has one category, "news", until it is deleted.
class OneCategory final : public storage::CategoryStore {
 public:
  using Row = absl::StatusOr<storage::Category>;

  void set_deleted() { deleted_ = true; }
  // Runs once, when the list has been read and not yet been answered.
  void set_while_reading(std::function<void()> act) { while_reading_ = std::move(act); }

  absl::StatusOr<std::vector<storage::Category>> ListCategories(TenantId, bool) override {
    storage::Category news;
    news.key = "news";
    news.deleted = deleted_;
    if (const auto act = std::exchange(while_reading_, nullptr)) act();
    return std::vector<storage::Category>{news};
  }
  Row CreateCategory(TenantId, const storage::Category&) override { return Not(); }
  Row GetCategory(TenantId, absl::string_view) override { return Not(); }
  Row UpdateCategory(TenantId, absl::string_view, const storage::CategoryUpdate&) override {
    return Not();
  }
  absl::Status DeleteCategory(TenantId, absl::string_view) override { return Not(); }

 private:
  static absl::Status Not() { return absl::UnimplementedError("not asked for here"); }

  bool deleted_ = false;
  std::function<void()> while_reading_;
};

constexpr TenantId kTenant{7};

TEST(CategoryCatalog, KeepsWhatItLoadedUntilItIsToldToForget) {
  OneCategory store;
  CategoryCatalog catalog(&store, absl::Now);
  ASSERT_TRUE(catalog.Load(kTenant).ok());
  ASSERT_NE(catalog.TryCached(kTenant).categories, nullptr);
  EXPECT_EQ(catalog.TryCached(kTenant).categories->count("news"), 1u);
  catalog.Forget(kTenant);
  EXPECT_EQ(catalog.TryCached(kTenant).categories, nullptr);
}

// Else the replica that deleted a category would go on with it for seconds.
TEST(CategoryCatalog, DoesNotKeepWhatWasReadBeforeItWasToldToForget) {
  OneCategory store;
  CategoryCatalog catalog(&store, absl::Now);
  store.set_while_reading([&] {
    store.set_deleted();
    catalog.Forget(kTenant);
  });
  const absl::StatusOr<CategoryMapPtr> old = catalog.Load(kTenant);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_FALSE((*old)->at("news").deleted);
  EXPECT_EQ(catalog.TryCached(kTenant).categories, nullptr);
  ASSERT_TRUE(catalog.Load(kTenant).ok());
  ASSERT_NE(catalog.TryCached(kTenant).categories, nullptr);
  EXPECT_TRUE(catalog.TryCached(kTenant).categories->at("news").deleted);
}

}  // namespace
}  // namespace herald::preferences
