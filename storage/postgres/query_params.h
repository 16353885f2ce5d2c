#pragma once

// How values become query parameters and columns become values. Only for sources of this folder.

#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"

namespace herald::storage {

// "2026-11-22 00:16:23.123456+00"; infinite times become PostgreSQL's.
std::string TimestampText(absl::Time time);
void AppendTimestamp(std::string* out, absl::Time time);
// "\x00ff…", the text form of bytea.
std::string ByteaText(absl::string_view bytes);
void AppendHex(std::string* out, absl::string_view bytes);

// NULL when empty.
struct NullableText {
  absl::optional<std::string> text;
};

// libpqxx would cut text off at a NUL byte, silently: this throws, which ends as kInvalidArgument.
std::string ToParam(std::string text);
inline std::string ToParam(absl::string_view text) { return ToParam(std::string(text)); }
inline std::string ToParam(const char* text) { return text; }
inline std::string ToParam(absl::Time time) { return TimestampText(time); }
inline NullableText ToParam(NullableText text) { return text; }
inline int64_t ToParam(int64_t value) { return value; }
inline int ToParam(int value) { return value; }
inline const pqxx::binarystring& ToParam(const pqxx::binarystring& value) { return value; }
inline std::string ToParam(bool value) { return value ? "t" : "f"; }
template <class Tag>
int64_t ToParam(Id<Tag> id) {
  return id.value;
}
inline NullableText ToParam(const absl::optional<std::string>& text) {
  return {text.has_value() ? absl::make_optional(ToParam(*text)) : absl::nullopt};
}
inline NullableText ToParam(const absl::optional<absl::Time>& time) {
  return {time.has_value() ? absl::make_optional(TimestampText(*time)) : absl::nullopt};
}
inline NullableText ToParam(const absl::optional<bool>& value) {
  return {value.has_value() ? absl::make_optional(ToParam(*value)) : absl::nullopt};
}
template <class Tag>
NullableText ToParam(const absl::optional<Id<Tag>>& id) {
  return {id.has_value() ? absl::make_optional(std::to_string(id->value)) : absl::nullopt};
}

// Columns of a result. Bytea, and text in UTF-8; times are selected as
// `herald.micros(column)`, so that no session setting decides their form.
std::string TextOf(const pqxx::field& field);
std::vector<std::string> TextArrayOf(const pqxx::field& field);  // no NULL inside
std::vector<int64_t> IntArrayOf(const pqxx::field& field);       // no NULL inside
std::string BytesOf(const pqxx::field& field);
int64_t Int64Of(const pqxx::field& field);
int IntOf(const pqxx::field& field);
bool BoolOf(const pqxx::field& field);
absl::Time TimeOf(const pqxx::field& field);
absl::optional<absl::Time> OptionalTimeOf(const pqxx::field& field);

}  // namespace herald::storage

namespace pqxx {

template <>
struct string_traits<herald::storage::NullableText> {
  static constexpr const char* name() noexcept { return "NullableText"; }
  static constexpr bool has_null() noexcept { return true; }
  static bool is_null(const herald::storage::NullableText& t) { return !t.text.has_value(); }
  static std::string to_string(const herald::storage::NullableText& t) { return *t.text; }
};

}  // namespace pqxx
