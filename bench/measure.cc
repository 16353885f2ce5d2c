#include "bench/measure.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace herald::bench {

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

absl::Status WriteJson(const std::string& path, const std::vector<Measure>& measures) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Measure& measure : measures) {
    nlohmann::ordered_json object = {
        {"name", measure.name}, {"value", measure.value}, {"unit", measure.unit}};
    if (measure.goal.has_value()) {
      object["goal"] = measure.goal->value;
      object["better"] = measure.goal->better == Better::kHigher ? "higher" : "lower";
    }
    list.push_back(std::move(object));
  }
  std::ofstream file(path);
  file << list.dump(2) << "\n";
  file.close();
  if (!file.good()) return absl::InternalError(absl::StrCat("cannot write ", path));
  return absl::OkStatus();
}

}  // namespace herald::bench
