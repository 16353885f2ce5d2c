#include "storage/postgres/array_param.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/postgres/query_params.h"

namespace herald::storage {

ArrayParam::ArrayParam(size_t elements, size_t element_bytes) {
  text_.reserve(2 + elements * (element_bytes + 1));
}

void ArrayParam::Separate() {
  if (text_.size() > 1) text_.push_back(',');
}

ArrayParam& ArrayParam::AddInt(int64_t value) {
  Separate();
  absl::StrAppend(&text_, value);
  return *this;
}

ArrayParam& ArrayParam::AddBool(bool value) {
  Separate();
  text_.push_back(value ? 't' : 'f');
  return *this;
}

ArrayParam& ArrayParam::AddText(absl::string_view text) {
  Separate();
  text_.push_back('"');
  size_t plain = 0;  // start of what has not been copied
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"' && text[i] != '\\') continue;
    text_.append(text.data() + plain, i - plain);
    text_.push_back('\\');
    plain = i;
  }
  text_.append(text.data() + plain, text.size() - plain);
  text_.push_back('"');
  return *this;
}

ArrayParam& ArrayParam::AddBytes(absl::string_view bytes) {
  Separate();
  text_.append("\"\\\\x", 4);
  AppendHex(&text_, bytes);
  text_.push_back('"');
  return *this;
}

ArrayParam& ArrayParam::AddTime(absl::Time time) {
  Separate();
  text_.push_back('"');
  AppendTimestamp(&text_, time);
  text_.push_back('"');
  return *this;
}

ArrayParam& ArrayParam::AddNull() {
  Separate();
  text_.append("NULL", 4);
  return *this;
}

ArrayParam& ArrayParam::AddInt(absl::optional<int64_t> value) {
  return value.has_value() ? AddInt(*value) : AddNull();
}

ArrayParam& ArrayParam::AddText(const absl::optional<std::string>& text) {
  return text.has_value() ? AddText(absl::string_view(*text)) : AddNull();
}

ArrayParam& ArrayParam::AddTime(const absl::optional<absl::Time>& time) {
  return time.has_value() ? AddTime(*time) : AddNull();
}

std::string ArrayParam::Take() {
  text_.push_back('}');
  return std::exchange(text_, std::string("{"));  // a literal trips a warning of g++ 12
}

std::string IntArray(const std::vector<int64_t>& values) {
  ArrayParam array(values.size());
  for (const int64_t value : values) array.AddInt(value);
  return array.Take();
}

std::string TextArray(const std::vector<std::string>& values) {
  ArrayParam array(values.size(), 32);
  for (const std::string& value : values) array.AddText(absl::string_view(value));
  return array.Take();
}

}  // namespace herald::storage
