#pragma once

// Includes libpqxx: only for sources of this folder.

#include <cstdint>
#include <pqxx/binarystring>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::storage {

// The element's type, by its number in pg_type, which is the same in every database.
enum class ElementType : uint32_t {
  kBoolean = 16,
  kBytea = 17,
  kBigint = 20,
  kSmallint = 21,
  kInteger = 23,
  kText = 25,
  kTimestamptz = 1184,
};

// Builds a one-dimensional PostgreSQL array in the binary form of the protocol, for statements
// whose parameters are large: the server takes an element of it in a sixth of the time that it
// needs to read text, and bytes take half the room. Elsewhere ArrayParam is as good and need not
// know the type, which here must be the parameter's to the letter; the server refuses another one.
//
// An element is added by the function for its type; integers must fit theirs. Text with a NUL byte
// or that is not UTF-8 is refused by the server, as bad data.
class BinaryArray {
 public:
  // `element_bytes`: a guess that saves growing.
  explicit BinaryArray(ElementType type, size_t elements = 0, size_t element_bytes = 8);

  BinaryArray& AddInt(int64_t value);  // kBigint, kInteger, kSmallint
  BinaryArray& AddBool(bool value);
  BinaryArray& AddText(absl::string_view text);
  BinaryArray& AddBytes(absl::string_view bytes);
  BinaryArray& AddTime(absl::Time time);  // whole microseconds, rounded down
  BinaryArray& AddNull();
  BinaryArray& AddInt(absl::optional<int64_t> value);
  BinaryArray& AddTime(const absl::optional<absl::Time>& time);

  // The finished parameter; the builder is not used afterwards.
  pqxx::binarystring Take();

 private:
  void AddNumber(uint64_t value, int bytes);
  BinaryArray& AddElement(absl::string_view bytes);

  const ElementType type_;
  uint32_t elements_ = 0;
  bool has_null_ = false;
  std::string data_;  // room for the head, then the elements
};

}  // namespace herald::storage
