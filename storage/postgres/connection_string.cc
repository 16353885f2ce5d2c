#include "storage/postgres/connection_string.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace herald::storage {
namespace {

struct Default {
  const char* key;
  const char* value;
};

// A dead peer is noticed after 10 + 3 * 5 s while idle, and after 15 s with data under way.
constexpr Default kDefaults[] = {
    {"application_name", "herald"},
    {"connect_timeout", "3"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "15000"},
    {"target_session_attrs", "read-write"},
};

}  // namespace

std::string WithLinkDefaults(const std::string& dsn) {
  const bool uri = absl::StartsWith(dsn, "postgresql://") || absl::StartsWith(dsn, "postgres://");
  std::string result = dsn;
  for (const Default& d : kDefaults) {
    if (absl::StrContains(dsn, absl::StrCat(d.key, "="))) continue;
    const char* separator = !uri ? " " : absl::StrContains(result, '?') ? "&" : "?";
    absl::StrAppend(&result, separator, d.key, "=", d.value);
  }
  return result;
}

}  // namespace herald::storage
