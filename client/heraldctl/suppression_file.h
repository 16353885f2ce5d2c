#pragma once

#include <istream>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "client/heraldctl/row_reader.h"
#include "herald/v1/preferences.pb.h"

namespace herald::heraldctl {

// "hard_bounce" for REASON_HARD_BOUNCE, and back, in any case; UNSPECIFIED for no reason.
std::string ReasonText(v1::Suppression::Reason reason);
v1::Suppression::Reason ReasonOf(absl::string_view text);

// The suppressions of a CSV file. Its first line names its columns: email, reason ("hard_bounce",
// ...; `reason` for a row without one) and expire_time (RFC 3339; none: until it is lifted). `in`
// outlives the reader.
absl::StatusOr<std::unique_ptr<RowReader<v1::CreateSuppressionRequest>>> MakeSuppressionReader(
    std::istream& in, v1::Suppression::Reason reason);

// Writes what MakeSuppressionReader reads: the first line, and a row.
void WriteSuppressionHeader(std::ostream& out);
void WriteSuppression(const v1::Suppression& suppression, std::ostream& out);

}  // namespace herald::heraldctl
