#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::storage {

// Builds the text form of a one-dimensional PostgreSQL array, to be passed as one parameter and
// unnested: `unnest($1::bigint[], $2::text[])`. The elements' type is said by the query's cast.
// Text is quoted and escaped; it must not contain a NUL byte, as PostgreSQL's text cannot.
class ArrayParam {
 public:
  // `element_bytes`: a guess that saves growing.
  explicit ArrayParam(size_t elements = 0, size_t element_bytes = 12);

  ArrayParam& AddInt(int64_t value);
  ArrayParam& AddBool(bool value);
  ArrayParam& AddText(absl::string_view text);
  ArrayParam& AddBytes(absl::string_view bytes);  // for bytea[]
  ArrayParam& AddTime(absl::Time time);           // for timestamptz[]
  ArrayParam& AddNull();
  ArrayParam& AddInt(absl::optional<int64_t> value);
  ArrayParam& AddText(const absl::optional<std::string>& text);
  ArrayParam& AddTime(const absl::optional<absl::Time>& time);

  // The finished text; the builder is empty afterwards.
  std::string Take();

 private:
  void Separate();
  std::string text_ = "{";
};

std::string IntArray(const std::vector<int64_t>& values);
std::string TextArray(const std::vector<std::string>& values);

}  // namespace herald::storage
