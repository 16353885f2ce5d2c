// docs/tokens.md names every method and what it needs, and no method that does not exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "server/rpc/method_policy.h"

namespace herald::rpc {
namespace {

std::string HolderOf(const MethodPolicy& policy) {
  switch (policy.kind) {
    case identity::Caller::Kind::kTenant:
      return "tenant";
    case identity::Caller::Kind::kOperator:
      return "operator";
    case identity::Caller::Kind::kSidecar:
      return "sidecar";
  }
  return "";
}

std::string ScopesOf(const MethodPolicy& policy) {
  std::vector<absl::string_view> names;
  if ((policy.scopes & storage::kScopeSend) != 0) names.push_back("SEND");
  if ((policy.scopes & storage::kScopeRead) != 0) names.push_back("READ");
  if ((policy.scopes & storage::kScopeManage) != 0) names.push_back("MANAGE");
  return names.empty() ? "–" : absl::StrJoin(names, ", ");
}

// The rows of the table of methods, which alone have a slash in their first cell's name.
std::vector<std::string> DocumentedRows() {
  const char* source = std::getenv("HERALD_SOURCE_DIR");
  if (source == nullptr) return {};  // run by ctest
  std::ifstream file(absl::StrCat(source, "/docs/tokens.md"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    absl::string_view name = line;
    if (!absl::ConsumePrefix(&name, "| `")) continue;
    if (name.substr(0, name.find('`')).find('/') != absl::string_view::npos) rows.push_back(line);
  }
  return rows;
}

TEST(TokensDocument, TellsWhatEveryMethodNeeds) {
  std::vector<std::string> rows;
  for (const MethodPolicy& policy : AllMethodPolicies()) {
    rows.push_back(absl::StrCat("| `", absl::StripPrefix(policy.method, "herald.v1."), "` | ",
                                HolderOf(policy), " | ", ScopesOf(policy), " |"));
  }
  EXPECT_THAT(DocumentedRows(), ::testing::UnorderedElementsAreArray(rows));
}

}  // namespace
}  // namespace herald::rpc
