#include "storage/postgres/category_store.h"

#include "storage/postgres/category_rows.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// $1 tenant. One creation at a time, lest each of several count without the others.
constexpr NamedQuery kLockCreation{
    "lock_category_creation",
    "SELECT pg_advisory_xact_lock(hashtextextended('herald.categories', $1::bigint))"};

// $1 tenant.
constexpr NamedQuery kCount{"count_categories", R"sql(
SELECT count(*) FROM herald.categories WHERE tenant_id = $1::bigint AND delete_time IS NULL
)sql"};

// $1 tenant, $2 key, $3 display name, $4 description, $5 marketing, $6 default in.
constexpr NamedQuery kCreate{"create_category", R"sql(
INSERT INTO herald.categories AS k
  (tenant_id, category, display_name, description, marketing, default_in)
VALUES ($1::bigint, $2::text, $3::text, $4::text, $5::boolean, $6::boolean)
ON CONFLICT (tenant_id, category) DO UPDATE
  SET display_name = EXCLUDED.display_name, description = EXCLUDED.description,
      default_in = EXCLUDED.default_in, update_time = now(), delete_time = NULL
  WHERE k.delete_time IS NOT NULL AND k.marketing = EXCLUDED.marketing
RETURNING )sql" HERALD_CATEGORY_COLUMNS};

// $1 tenant, $2 key.
constexpr NamedQuery kGet{"get_category", "SELECT " HERALD_CATEGORY_COLUMNS R"sql(
FROM herald.categories WHERE tenant_id = $1::bigint AND category = $2::text
)sql"};

// $1 tenant, $2 whether with those that were deleted.
constexpr NamedQuery kList{"list_categories", "SELECT " HERALD_CATEGORY_COLUMNS R"sql(
FROM herald.categories WHERE tenant_id = $1::bigint AND ($2::boolean OR delete_time IS NULL)
ORDER BY category
)sql"};

// $1 tenant, $2 key, $3 display name, $4 description, $5 default in; NULL: as it is.
constexpr NamedQuery kUpdate{"update_category", R"sql(
UPDATE herald.categories
SET display_name = coalesce($3::text, display_name),
    description = coalesce($4::text, description),
    default_in = coalesce($5::boolean, default_in), update_time = now()
WHERE tenant_id = $1::bigint AND category = $2::text AND delete_time IS NULL
RETURNING )sql" HERALD_CATEGORY_COLUMNS};

// $1 tenant, $2 key.
constexpr NamedQuery kDelete{"delete_category", R"sql(
UPDATE herald.categories SET delete_time = now(), update_time = now()
WHERE tenant_id = $1::bigint AND category = $2::text AND delete_time IS NULL
RETURNING 1
)sql"};

TransactionOptions For(TenantId tenant, const char* name, bool read_only = false) {
  return {.tenants = {tenant}, .read_only = read_only, .name = name};
}

absl::Status NoCategory() { return absl::NotFoundError("category"); }

}  // namespace

absl::StatusOr<Category> PostgresCategoryStore::CreateCategory(TenantId tenant,
                                                               const Category& category) {
  return StoreResult(RunTransaction(
      pool_, For(tenant, "create_category"),
      [&](Transaction& transaction) -> absl::StatusOr<Category> {
        transaction.Exec(kLockCreation, tenant);
        const pqxx::result created =
            transaction.Exec(kCreate, tenant, category.key, category.display_name,
                             category.description, category.marketing, category.default_in);
        if (!created.empty()) {
          if (IntOf(transaction.Exec(kCount, tenant)[0][0]) > kCategoriesMax) {
            return absl::ResourceExhaustedError("categories");
          }
          return CategoryOf(created[0]);
        }
        const pqxx::result there = transaction.Exec(kGet, tenant, category.key);
        if (there.empty()) return absl::UnavailableError("the category is gone again");
        if (CategoryOf(there[0]).deleted) {
          return absl::FailedPreconditionError("the category was of the other kind");
        }
        return absl::AlreadyExistsError("category");
      }));
}

absl::StatusOr<Category> PostgresCategoryStore::GetCategory(TenantId tenant,
                                                            absl::string_view key) {
  return StoreResult(RunTransaction(pool_, For(tenant, "get_category", true),
                                    [&](Transaction& transaction) -> absl::StatusOr<Category> {
                                      const pqxx::result rows = transaction.Exec(kGet, tenant, key);
                                      if (rows.empty()) return NoCategory();
                                      Category category = CategoryOf(rows[0]);
                                      if (category.deleted) return NoCategory();
                                      return category;
                                    }));
}

absl::StatusOr<std::vector<Category>> PostgresCategoryStore::ListCategories(TenantId tenant,
                                                                            bool with_deleted) {
  return StoreResult(
      RunTransaction(pool_, For(tenant, "list_categories", true),
                     [&](Transaction& transaction) -> absl::StatusOr<std::vector<Category>> {
                       std::vector<Category> categories;
                       for (const pqxx::row& row : transaction.Exec(kList, tenant, with_deleted))
                         categories.push_back(CategoryOf(row));
                       return categories;
                     }));
}

absl::StatusOr<Category> PostgresCategoryStore::UpdateCategory(TenantId tenant,
                                                               absl::string_view key,
                                                               const CategoryUpdate& update) {
  return StoreResult(RunTransaction(pool_, For(tenant, "update_category"),
                                    [&](Transaction& transaction) -> absl::StatusOr<Category> {
                                      const pqxx::result rows = transaction.Exec(
                                          kUpdate, tenant, key, update.display_name,
                                          update.description, update.default_in);
                                      if (rows.empty()) return NoCategory();
                                      return CategoryOf(rows[0]);
                                    }));
}

absl::Status PostgresCategoryStore::DeleteCategory(TenantId tenant, absl::string_view key) {
  return StoreError(RunTransaction(
      pool_, For(tenant, "delete_category"), [&](Transaction& transaction) -> absl::Status {
        return transaction.Exec(kDelete, tenant, key).empty() ? NoCategory() : absl::OkStatus();
      }));
}

}  // namespace herald::storage
