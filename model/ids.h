#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald {

// A number that cannot be mistaken for another kind of number.
template <class Tag>
struct Id {
  int64_t value = 0;

  friend auto operator<=>(const Id&, const Id&) = default;
  template <class H>
  friend H AbslHashValue(H h, Id id) {
    return H::combine(std::move(h), id.value);
  }
};

using TenantId = Id<struct TenantTag>;
using EmailId = Id<struct EmailTag>;
using ApiTokenId = Id<struct ApiTokenTag>;

// Text forms as callers see them: a prefix and 13 characters of Crockford's base 32 in lower case
// ("em_0d3v7q9k2x5ab"). Parsing answers nullopt for anything else.
std::string FormatTenantId(TenantId id);
std::string FormatEmailId(EmailId id);
std::string FormatApiTokenId(ApiTokenId id);
absl::optional<TenantId> ParseTenantId(absl::string_view text);
absl::optional<EmailId> ParseEmailId(absl::string_view text);
absl::optional<ApiTokenId> ParseApiTokenId(absl::string_view text);

// Makes email ids that grow with time, so that history can be partitioned by id: 41 bits of
// milliseconds since 2024-01-01, 12 bits of node, 10 bits of sequence. Unique while no two live
// processes share `node`; the database hands nodes out. Safe for concurrent use.
class EmailIdGenerator {
 public:
  explicit EmailIdGenerator(int node);
  EmailId Next(absl::Time now);

 private:
  const int64_t node_bits_;
  std::atomic<int64_t> last_tick_{0};  // milliseconds << 10 | sequence
};

// The moment encoded in an id, to the millisecond.
absl::Time EmailIdTime(EmailId id);
// The lowest id that can have been made at `time`: the bound for time filters.
EmailId FirstEmailIdAt(absl::Time time);

}  // namespace herald
