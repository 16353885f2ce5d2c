#include "storage/postgres/query_params.h"

#include <array>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace herald::storage {
namespace {

struct HexPair {
  char digits[2];
};

constexpr std::array<HexPair, 256> MakeHexTable() {
  std::array<HexPair, 256> table{};
  constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < 256; ++i) table[i] = {{kDigits[i >> 4], kDigits[i & 15]}};
  return table;
}

constexpr std::array<HexPair, 256> kHex = MakeHexTable();

constexpr unsigned HexValue(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

char* WriteDigits(char* end, int64_t value, int digits) {
  for (int i = 0; i < digits; ++i, value /= 10) *--end = static_cast<char>('0' + value % 10);
  return end;
}

}  // namespace

void AppendHex(std::string* out, absl::string_view bytes) {
  const size_t start = out->size();
  out->resize(start + 2 * bytes.size());
  char* to = &(*out)[start];
  for (const char byte : bytes) {
    const HexPair pair = kHex[static_cast<unsigned char>(byte)];
    *to++ = pair.digits[0];
    *to++ = pair.digits[1];
  }
}

std::string ByteaText(absl::string_view bytes) {
  std::string text;
  text.reserve(2 + 2 * bytes.size());
  text = "\\x";
  AppendHex(&text, bytes);
  return text;
}

void AppendTimestamp(std::string* out, absl::Time time) {
  if (time == absl::InfiniteFuture()) {
    out->append("infinity");
    return;
  }
  if (time == absl::InfinitePast()) {
    out->append("-infinity");
    return;
  }
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  const int64_t micros =
      absl::ToInt64Microseconds(time - absl::FromCivil(civil, absl::UTCTimeZone()));
  char text[] = "0000-00-00 00:00:00.000000+00";
  WriteDigits(text + 4, civil.year(), 4);
  WriteDigits(text + 7, civil.month(), 2);
  WriteDigits(text + 10, civil.day(), 2);
  WriteDigits(text + 13, civil.hour(), 2);
  WriteDigits(text + 16, civil.minute(), 2);
  WriteDigits(text + 19, civil.second(), 2);
  WriteDigits(text + 26, micros, 6);
  out->append(text, sizeof(text) - 1);
}

std::string TimestampText(absl::Time time) {
  std::string text;
  AppendTimestamp(&text, time);
  return text;
}

std::string ToParam(std::string text) {
  if (text.find('\0') != std::string::npos) {
    throw pqxx::data_exception("text with a NUL byte", "", "22021");
  }
  return text;
}

std::vector<std::string> TextArrayOf(const pqxx::field& field) {
  std::vector<std::string> values;
  pqxx::array_parser parser = field.as_array();
  using Juncture = pqxx::array_parser::juncture;
  for (auto next = parser.get_next(); next.first != Juncture::done; next = parser.get_next()) {
    if (next.first == Juncture::string_value) values.push_back(std::move(next.second));
  }
  return values;
}

std::vector<int64_t> IntArrayOf(const pqxx::field& field) {
  std::vector<int64_t> values;
  for (const std::string& text : TextArrayOf(field)) values.push_back(std::stoll(text));
  return values;
}

std::string TextOf(const pqxx::field& field) { return std::string(field.c_str(), field.size()); }

std::string BytesOf(const pqxx::field& field) {
  const char* from = field.c_str();
  if (field.size() < 2) return "";
  std::string bytes(field.size() / 2 - 1, '\0');
  from += 2;  // "\x"
  for (char& byte : bytes) {
    byte = static_cast<char>(HexValue(from[0]) << 4 | HexValue(from[1]));
    from += 2;
  }
  return bytes;
}

int64_t Int64Of(const pqxx::field& field) { return std::strtoll(field.c_str(), nullptr, 10); }

int IntOf(const pqxx::field& field) { return static_cast<int>(Int64Of(field)); }

bool BoolOf(const pqxx::field& field) { return *field.c_str() == 't'; }

absl::Time TimeOf(const pqxx::field& field) { return absl::FromUnixMicros(Int64Of(field)); }

absl::optional<absl::Time> OptionalTimeOf(const pqxx::field& field) {
  if (field.is_null()) return absl::nullopt;
  return TimeOf(field);
}

}  // namespace herald::storage
