#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace herald::ops {

// GET /metrics from a port of 127.0.0.1, over a real socket: the body, or what went wrong.
std::string ScrapeMetrics(int port);

// The value of the series written exactly so, as in the text format; NaN when it is not there.
double ValueOf(absl::string_view scraped, absl::string_view series);

// Names, types and label names, a metric a line, sorted: "herald_queue_depth gauge lane".
std::string DescribeMetrics(absl::string_view scraped);

}  // namespace herald::ops
