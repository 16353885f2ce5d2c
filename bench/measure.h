#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace herald::bench {

enum class Better { kHigher, kLower };

struct Goal {
  double value = 0;
  Better better = Better::kHigher;
};

// One line of a benchmark's result.
struct Measure {
  std::string name;
  double value = 0;
  std::string unit;  // "1/s", "ms", "ratio", "count"
  absl::optional<Goal> goal;
};

// 0 for none.
double Median(std::vector<double> values);

// Writes the measures as a JSON array of objects: `name`, `value`, `unit`, and where there is a
// goal `goal` and `better` ("higher" or "lower"). scripts/bench makes tables of such files.
absl::Status WriteJson(const std::string& path, const std::vector<Measure>& measures);

}  // namespace herald::bench
