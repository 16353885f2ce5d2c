#include "model/ids.h"

#include <algorithm>
#include <limits>

namespace herald {
namespace {

constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr size_t kDigits = 13;  // 65 bits hold 64
constexpr int kSequenceBits = 10;
constexpr int kNodeBits = 12;
constexpr int64_t kEpochMillis = 1704067200000;  // 2024-01-01T00:00:00Z

std::string Format(absl::string_view prefix, int64_t value) {
  std::string text(prefix);
  const auto bits = static_cast<uint64_t>(value);
  for (size_t i = 0; i < kDigits; ++i) {
    text += kAlphabet[(bits >> (5 * (kDigits - 1 - i))) & 31];
  }
  return text;
}

absl::optional<int64_t> Parse(absl::string_view prefix, absl::string_view text) {
  if (text.size() != prefix.size() + kDigits || text.substr(0, prefix.size()) != prefix) {
    return absl::nullopt;
  }
  uint64_t bits = 0;
  for (char c : text.substr(prefix.size())) {
    const char* digit = std::find(kAlphabet, kAlphabet + 32, c);
    if (digit == kAlphabet + 32 || (bits >> 59) != 0) return absl::nullopt;
    bits = bits << 5 | static_cast<uint64_t>(digit - kAlphabet);
  }
  if (bits > static_cast<uint64_t>(INT64_MAX)) return absl::nullopt;
  return static_cast<int64_t>(bits);
}

template <class T>
absl::optional<T> ParseAs(absl::string_view prefix, absl::string_view text) {
  absl::optional<int64_t> value = Parse(prefix, text);
  if (!value.has_value()) return absl::nullopt;
  return T{*value};
}

}  // namespace

std::string FormatTenantId(TenantId id) { return Format("tn_", id.value); }
std::string FormatEmailId(EmailId id) { return Format("em_", id.value); }
std::string FormatApiTokenId(ApiTokenId id) { return Format("tk_", id.value); }
absl::optional<TenantId> ParseTenantId(absl::string_view text) {
  return ParseAs<TenantId>("tn_", text);
}
absl::optional<EmailId> ParseEmailId(absl::string_view text) {
  return ParseAs<EmailId>("em_", text);
}
absl::optional<ApiTokenId> ParseApiTokenId(absl::string_view text) {
  return ParseAs<ApiTokenId>("tk_", text);
}

EmailIdGenerator::EmailIdGenerator(int node)
    : node_bits_(static_cast<int64_t>(node & ((1 << kNodeBits) - 1)) << kSequenceBits) {}

EmailId EmailIdGenerator::Next(absl::Time now) {
  // When more than 1024 ids are asked for in a millisecond, or the clock steps back, the sequence
  // runs ahead of the clock rather than repeat itself.
  const int64_t tick = (absl::ToUnixMillis(now) - kEpochMillis) << kSequenceBits;
  int64_t last = last_tick_.load(std::memory_order_relaxed);
  int64_t next = 0;
  do {
    next = std::max(tick, last + 1);
  } while (!last_tick_.compare_exchange_weak(last, next, std::memory_order_relaxed));
  const int64_t millis = next >> kSequenceBits;
  const int64_t sequence = next & ((1 << kSequenceBits) - 1);
  return EmailId{millis << (kSequenceBits + kNodeBits) | node_bits_ | sequence};
}

absl::Time EmailIdTime(EmailId id) {
  return absl::FromUnixMillis((id.value >> (kSequenceBits + kNodeBits)) + kEpochMillis);
}

EmailId FirstEmailIdAt(absl::Time time) {
  // Ids reach from 1954 to 2093; earlier and later moments are their ends.
  constexpr int64_t kMillisMax = std::numeric_limits<int64_t>::max() >> (kSequenceBits + kNodeBits);
  const int64_t millis =
      std::clamp(absl::ToUnixMillis(time), kEpochMillis - kMillisMax, kEpochMillis + kMillisMax);
  return EmailId{(millis - kEpochMillis) << (kSequenceBits + kNodeBits)};
}

}  // namespace herald
