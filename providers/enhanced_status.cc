#include "providers/enhanced_status.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/types/optional.h"

namespace herald::providers {
namespace {

struct EnhancedStatus {
  int category = 0;
  int subject = 0;
  int detail = 0;
};

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

bool IsPartOfWord(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// Takes a number of at most three digits from the front of `text`.
absl::optional<int> TakeNumber(absl::string_view* text) {
  size_t digits = 0;
  int number = 0;
  while (digits < text->size() && IsDigit((*text)[digits])) {
    if (++digits > 3) return absl::nullopt;
    number = number * 10 + ((*text)[digits - 1] - '0');
  }
  if (digits == 0) return absl::nullopt;
  text->remove_prefix(digits);
  return number;
}

bool TakeDot(absl::string_view* text) {
  if (text->empty() || text->front() != '.') return false;
  text->remove_prefix(1);
  return true;
}

// The code with which `text` begins. No part of a longer word, version or IP address is one.
absl::optional<EnhancedStatus> StatusAtFront(absl::string_view text) {
  if (text.empty() || (text[0] != '4' && text[0] != '5')) return absl::nullopt;
  EnhancedStatus status;
  status.category = text[0] - '0';
  text.remove_prefix(1);
  for (int* number : {&status.subject, &status.detail}) {
    if (!TakeDot(&text)) return absl::nullopt;
    const absl::optional<int> taken = TakeNumber(&text);
    if (!taken.has_value()) return absl::nullopt;
    *number = *taken;
  }
  const bool goes_on = !text.empty() && (IsPartOfWord(text[0]) ||
                                         (text[0] == '.' && text.size() > 1 && IsDigit(text[1])));
  return goes_on ? absl::nullopt : absl::make_optional(status);
}

absl::optional<EnhancedStatus> FirstStatus(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && (IsPartOfWord(text[i - 1]) || text[i - 1] == '.')) continue;
    const absl::optional<EnhancedStatus> status = StatusAtFront(text.substr(i));
    if (status.has_value()) return status;
  }
  return absl::nullopt;
}

}  // namespace

bool BlamesAddress(absl::string_view diagnostic) {
  const absl::optional<EnhancedStatus> status = FirstStatus(diagnostic);
  if (!status.has_value()) return true;
  if (status->category == 4) return false;
  const bool of_a_later_standard = status->subject > 7;
  if (status->subject == 0 || of_a_later_standard) return true;
  if (status->subject != 1) return false;
  static constexpr int kOthers[] = {0, 4, 5, 7, 8, 9};
  return !absl::c_linear_search(kOthers, status->detail);
}

}  // namespace herald::providers
