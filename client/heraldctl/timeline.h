#pragma once

#include <iosfwd>
#include <string>

#include "absl/time/time.h"
#include "herald/v1/email_service.pb.h"

namespace herald::heraldctl {

// "00:00.412  SENT       sandbox  attempt 1  msg_1": when, counted from `origin`; what; and the
// facts that are there. Types are padded to `type_width`.
std::string TimelineLine(const v1::EmailEvent& event, absl::Time origin, size_t type_width);

// The type in words of the API, without its prefix.
std::string EventName(const v1::EmailEvent& event);

// Type and facts, without the time: what the lines of timeline and tail share.
std::string DescribeEvent(const v1::EmailEvent& event, size_t type_width);

// A whole timeline, oldest first, under a line that says when it began.
void PrintTimeline(std::ostream& out, const v1::ListEmailEventsResponse& timeline);

}  // namespace herald::heraldctl
