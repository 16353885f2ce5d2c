#include "storage/postgres/kept_queries.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/crypto/sha256.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/email_store_sql.h"
#include "storage/postgres/queue_store_sql.h"

namespace herald::storage {
namespace {

constexpr const KeptQuery* kKept[] = {
    &email_sql::kTakeKeys,    &email_sql::kReadKeys,      &email_sql::kInsertEmails,
    &queue_sql::kLaneTenants, &queue_sql::kClaim,         &queue_sql::kLockLeases,
    &queue_sql::kBegin,       &queue_sql::kStoppedBefore, &queue_sql::kFinish,
    &queue_sql::kRecord,      &queue_sql::kReturn,        &queue_sql::kPark,
    &chunk_sql::kClaim,       &chunk_sql::kLeasedMembers, &chunk_sql::kLock,
    &chunk_sql::kUnfit,       &chunk_sql::kBegin,         &chunk_sql::kRecord,
};

// One plan for all parameters, and one that stays right however the tables grow: made while they
// are empty, it would otherwise read them whole.
constexpr char kSettings[] =
    "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off "
    "SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off "
    "SET enable_sort = off";

struct Kept {
  std::string function;  // "take_keys_0123abcd"
  std::string definition;
  std::string call;
};

Kept KeptOf(const KeptQuery& query) {
  const bool returns = *query.columns != '\0';
  const std::string rest = absl::StrCat(
      "(", query.parameters, ") RETURNS ",
      returns ? absl::StrCat("TABLE (", query.columns, ")") : "void", " LANGUAGE plpgsql ",
      kSettings, " AS $kept$\n#variable_conflict use_column\nBEGIN ",
      returns ? "RETURN QUERY " : "", query.sql, "; END $kept$");
  Kept kept;
  kept.function = absl::StrCat(query.name, "_", absl::BytesToHexString(Sha256(rest).substr(0, 4)));
  kept.definition = absl::StrCat("CREATE FUNCTION herald.", kept.function, rest);
  kept.call = absl::StrCat("SELECT * FROM herald.", kept.function, "(");
  const absl::string_view parameters = query.parameters;
  const auto count = std::count(parameters.begin(), parameters.end(), ',') + 1;
  for (int i = 1; i <= count; ++i) absl::StrAppend(&kept.call, i == 1 ? "$" : ",$", i);
  kept.call += ")";
  return kept;
}

using KeptMap = absl::flat_hash_map<const KeptQuery*, Kept>;

const KeptMap& All() {
  static const KeptMap* const all = [] {
    auto* const map = new KeptMap;
    for (const KeptQuery* query : kKept) map->emplace(query, KeptOf(*query));
    return map;
  }();
  return *all;
}

std::vector<const Kept*> Missing(pqxx::work& work) {
  std::set<std::string> present;
  for (const auto& row : work.exec("SELECT proname FROM pg_proc "
                                   "WHERE pronamespace = to_regnamespace('herald')")) {
    present.insert(row[0].c_str());
  }
  std::vector<const Kept*> missing;
  for (const auto& [query, kept] : All()) {
    if (present.count(kept.function) == 0) missing.push_back(&kept);
  }
  return missing;
}

}  // namespace

const std::string& KeptCall(const KeptQuery& query) { return All().at(&query).call; }

void CreateKeptQueries(pqxx::work& work) {
  for (const Kept* kept : Missing(work)) work.exec(kept->definition);
}

absl::Status CheckKeptQueries(pqxx::work& work) {
  const std::vector<const Kept*> missing = Missing(work);
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the database lacks the function herald.",
                                                    missing[0]->function, ": migrate it first"));
}

}  // namespace herald::storage
