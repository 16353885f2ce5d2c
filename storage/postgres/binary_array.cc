#include "storage/postgres/binary_array.h"

namespace herald::storage {
namespace {

// As array_send of PostgreSQL writes it, every number a big-endian one of 32 bits: dimensions,
// whether a NULL is inside, the elements' type, and of the one dimension its length and first
// index. An array without elements has no dimension. Then each element's length, -1 for NULL, and
// its bytes.
constexpr size_t kHeadOfNone = 12;
constexpr size_t kHead = 20;
constexpr uint32_t kNullLength = 0xffffffff;

// PostgreSQL counts microseconds from the year 2000.
constexpr int64_t kEpoch = 946684800000000;

void Write(char* to, uint64_t value, int bytes) {
  for (int i = bytes; i-- > 0; value >>= 8) to[i] = static_cast<char>(value & 0xff);
}

int WidthOf(ElementType type) {
  switch (type) {
    case ElementType::kSmallint:
      return 2;
    case ElementType::kInteger:
      return 4;
    default:
      return 8;
  }
}

int64_t PostgresTime(absl::Time time) {
  if (time == absl::InfiniteFuture()) return INT64_MAX;
  if (time == absl::InfinitePast()) return INT64_MIN;
  return absl::ToUnixMicros(time) - kEpoch;
}

}  // namespace

BinaryArray::BinaryArray(ElementType type, size_t elements, size_t element_bytes) : type_(type) {
  data_.reserve(kHead + elements * (element_bytes + 4));
  data_.resize(kHead);
}

void BinaryArray::AddNumber(uint64_t value, int bytes) {
  const size_t at = data_.size();
  data_.resize(at + 4 + static_cast<size_t>(bytes));
  Write(&data_[at], static_cast<uint64_t>(bytes), 4);
  Write(&data_[at + 4], value, bytes);
  ++elements_;
}

BinaryArray& BinaryArray::AddElement(absl::string_view bytes) {
  const size_t at = data_.size();
  data_.resize(at + 4);
  Write(&data_[at], bytes.size(), 4);
  data_.append(bytes.data(), bytes.size());
  ++elements_;
  return *this;
}

BinaryArray& BinaryArray::AddInt(int64_t value) {
  AddNumber(static_cast<uint64_t>(value), WidthOf(type_));
  return *this;
}

BinaryArray& BinaryArray::AddBool(bool value) {
  AddNumber(value ? 1 : 0, 1);
  return *this;
}

BinaryArray& BinaryArray::AddText(absl::string_view text) { return AddElement(text); }

BinaryArray& BinaryArray::AddBytes(absl::string_view bytes) { return AddElement(bytes); }

BinaryArray& BinaryArray::AddTime(absl::Time time) {
  AddNumber(static_cast<uint64_t>(PostgresTime(time)), 8);
  return *this;
}

BinaryArray& BinaryArray::AddNull() {
  const size_t at = data_.size();
  data_.resize(at + 4);
  Write(&data_[at], kNullLength, 4);
  has_null_ = true;
  ++elements_;
  return *this;
}

BinaryArray& BinaryArray::AddInt(absl::optional<int64_t> value) {
  return value.has_value() ? AddInt(*value) : AddNull();
}

BinaryArray& BinaryArray::AddTime(const absl::optional<absl::Time>& time) {
  return time.has_value() ? AddTime(*time) : AddNull();
}

pqxx::binarystring BinaryArray::Take() {
  Write(&data_[0], elements_ > 0 ? 1 : 0, 4);
  Write(&data_[4], has_null_ ? 1 : 0, 4);
  Write(&data_[8], static_cast<uint32_t>(type_), 4);
  Write(&data_[12], elements_, 4);
  Write(&data_[16], 1, 4);
  return pqxx::binarystring(data_.data(), elements_ > 0 ? data_.size() : kHeadOfNone);
}

}  // namespace herald::storage
