#pragma once

#include "server/preferences/category_catalog.h"
#include "server/preferences/unsubscribe_tokens.h"
#include "storage/category_store.h"
#include "storage/preference_store.h"
#include "storage/suppression_store.h"

namespace herald::rpc {

// What the methods about categories, preferences, suppressions and unsubscribing stand on. All
// outlive the server; null only where none of those methods is called.
struct PreferenceParts {
  storage::CategoryStore* categories = nullptr;
  storage::PreferenceStore* preferences = nullptr;
  storage::SuppressionStore* suppressions = nullptr;
  preferences::CategoryCatalog* catalog = nullptr;
  const preferences::UnsubscribeTokens* tokens = nullptr;
};

}  // namespace herald::rpc
