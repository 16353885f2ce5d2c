#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "model/lane.h"

// Short forms for making metrics; private to the .cc files of server/ops.
namespace herald::ops {

using CounterFamily = prometheus::Family<prometheus::Counter>;
using GaugeFamily = prometheus::Family<prometheus::Gauge>;
using HistogramFamily = prometheus::Family<prometheus::Histogram>;
using Buckets = prometheus::Histogram::BucketBoundaries;

inline CounterFamily& Counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
inline GaugeFamily& Gauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
inline HistogramFamily& Histograms(prometheus::Registry& registry, const char* name,
                                   const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// Answers within one machine up to the deadline of a patient caller.
inline const Buckets kRequestSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                        0.1,    0.25,  0.5,    1,     2.5,  5,     10};

inline std::string LowerCase(absl::string_view name) { return absl::AsciiStrToLower(name); }

inline constexpr size_t kLaneCount = kAllLanes.size();
inline size_t LaneIndex(Lane lane) { return static_cast<size_t>(lane) - 1; }

// One metric for each lane, made now, so that a dashboard shows zero instead of nothing.
template <typename Metric, typename... Arguments>
std::array<Metric*, kLaneCount> ForEachLane(prometheus::Family<Metric>& family,
                                            const Arguments&... arguments) {
  std::array<Metric*, kLaneCount> metrics{};
  for (Lane lane : kAllLanes) {
    metrics[LaneIndex(lane)] = &family.Add({{"lane", std::string(LaneName(lane))}}, arguments...);
  }
  return metrics;
}

}  // namespace herald::ops
