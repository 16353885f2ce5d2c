#pragma once

#include "storage/category_store.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {

// The columns that CategoryOf reads, in its order. For sources of this folder.
#define HERALD_CATEGORY_COLUMNS                                                            \
  "category, display_name, description, marketing, default_in, "                           \
  "herald.micros(create_time) AS create_time, herald.micros(update_time) AS update_time, " \
  "delete_time IS NOT NULL AS deleted"
inline constexpr int kCategoryColumns = 8;

inline Category CategoryOf(const pqxx::row& row) {
  Category category;
  category.key = TextOf(row[0]);
  category.display_name = TextOf(row[1]);
  category.description = TextOf(row[2]);
  category.marketing = BoolOf(row[3]);
  category.default_in = BoolOf(row[4]);
  category.create_time = TimeOf(row[5]);
  category.update_time = TimeOf(row[6]);
  category.deleted = BoolOf(row[7]);
  return category;
}

}  // namespace herald::storage
