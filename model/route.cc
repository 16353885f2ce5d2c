#include "model/route.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace herald {
namespace {

constexpr size_t kNameMax = 64;
constexpr int kNumberMax = 10000;

bool IsWithin(int value, int least) { return value >= least && value <= kNumberMax; }

}  // namespace

bool IsAccountName(absl::string_view text) {
  return !text.empty() && text.size() <= kNameMax &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

bool IsRouteStep(const RouteStep& step) {
  return IsWithin(step.order, 0) && IsWithin(step.cost, 0) && IsWithin(step.weight, 1);
}

}  // namespace herald
