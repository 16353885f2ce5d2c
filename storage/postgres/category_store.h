#pragma once

#include <vector>

#include "storage/category_store.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

// CategoryStore in PostgreSQL; every method runs as the API role, bound to its tenant.
class PostgresCategoryStore final : public CategoryStore {
 public:
  // `pool` outlives this.
  explicit PostgresCategoryStore(ConnectionPool& pool) : pool_(pool) {}

  absl::StatusOr<Category> CreateCategory(TenantId tenant, const Category& category) override;
  absl::StatusOr<Category> GetCategory(TenantId tenant, absl::string_view key) override;
  absl::StatusOr<std::vector<Category>> ListCategories(TenantId tenant, bool with_deleted) override;
  absl::StatusOr<Category> UpdateCategory(TenantId tenant, absl::string_view key,
                                          const CategoryUpdate& update) override;
  absl::Status DeleteCategory(TenantId tenant, absl::string_view key) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace herald::storage
