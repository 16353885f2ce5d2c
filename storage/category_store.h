#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"

namespace herald::storage {

// What emails are about, as a tenant has declared it.
struct Category {
  std::string key;
  std::string display_name;
  std::string description;
  bool marketing = false;
  bool default_in = true;  // whether it goes to those who have not chosen
  absl::Time create_time;
  absl::Time update_time;
  bool deleted = false;  // still binds what was accepted; takes no new mail
};

// Of one tenant, those that were deleted not counted.
inline constexpr int kCategoriesMax = 100;

struct CategoryUpdate {
  absl::optional<std::string> display_name;
  absl::optional<std::string> description;
  absl::optional<bool> default_in;
};

// A tenant's categories. Thread-safe, blocking. kUnavailable from any method: the database is away.
class CategoryStore {
 public:
  virtual ~CategoryStore() = default;

  // kAlreadyExists: there is one. One that was deleted comes back, with the preferences that it
  // had; kFailedPrecondition when it was of the other kind. kResourceExhausted: the tenant has
  // kCategoriesMax, also when several are created at once.
  virtual absl::StatusOr<Category> CreateCategory(TenantId tenant, const Category& category) = 0;
  // kNotFound, from here on: there is none, or it was deleted.
  virtual absl::StatusOr<Category> GetCategory(TenantId tenant, absl::string_view key) = 0;
  // By key. Those that were deleted too when `with_deleted`.
  virtual absl::StatusOr<std::vector<Category>> ListCategories(TenantId tenant,
                                                               bool with_deleted) = 0;
  virtual absl::StatusOr<Category> UpdateCategory(TenantId tenant, absl::string_view key,
                                                  const CategoryUpdate& update) = 0;
  virtual absl::Status DeleteCategory(TenantId tenant, absl::string_view key) = 0;
};

}  // namespace herald::storage
