#include "server/audience/attributes_codec.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "server/config/limits.h"

namespace herald::audience {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using nlohmann::json;

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= limits::kAttributeNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
         });
}

// Writes one value; false, with `error`, for one that cannot be stored.
class Encoder {
 public:
  bool Encode(const Value& value, int depth, json& out) {
    if (depth > limits::kAttributesDepthMax) return Fail("more than 8 levels deep");
    switch (value.kind_case()) {
      case Value::kNumberValue:
        if (!std::isfinite(value.number_value())) return Fail("a number is not finite");
        out = value.number_value();
        return true;
      case Value::kStringValue:
        // PostgreSQL keeps no NUL.
        if (value.string_value().find('\0') != std::string::npos) return Fail("a text has a NUL");
        out = value.string_value();
        return true;
      case Value::kBoolValue:
        out = value.bool_value();
        return true;
      case Value::kStructValue:
        return EncodeFields(value.struct_value(), depth, out);
      case Value::kListValue:
        out = json::array();
        for (const Value& item : value.list_value().values()) {
          if (!Encode(item, depth + 1, out.emplace_back())) return false;
        }
        return true;
      default:
        out = nullptr;
        return true;
    }
  }

  bool EncodeFields(const Struct& fields, int depth, json& out) {
    out = json::object();
    for (const auto& [name, value] : fields.fields()) {
      if (name.find('\0') != std::string::npos) return Fail("a name has a NUL");
      if (!Encode(value, depth + 1, out[name])) return false;
    }
    return true;
  }

  bool Fail(const char* what) {
    error_ = what;
    return false;
  }
  const char* error() const { return error_; }

 private:
  const char* error_ = "";
};

void Decode(const json& from, Value& value) {
  switch (from.type()) {
    case json::value_t::boolean:
      value.set_bool_value(from.get<bool>());
      break;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      value.set_number_value(from.get<double>());
      break;
    case json::value_t::string:
      value.set_string_value(from.get_ref<const std::string&>());
      break;
    case json::value_t::array:
      value.mutable_list_value();
      for (const json& item : from) Decode(item, *value.mutable_list_value()->add_values());
      break;
    case json::value_t::object: {
      auto& fields = *value.mutable_struct_value()->mutable_fields();
      for (const auto& [name, item] : from.items()) Decode(item, fields[name]);
      break;
    }
    default:
      value.set_null_value(google::protobuf::NULL_VALUE);
  }
}

}  // namespace

absl::StatusOr<std::string> EncodeAttributes(const Struct& attributes) {
  if (attributes.fields().empty()) return std::string("{}");
  if (attributes.fields_size() > limits::kAttributesMax) {
    return absl::InvalidArgumentError("more than 64 names");
  }
  Encoder encoder;
  json object = json::object();
  for (const auto& [name, value] : attributes.fields()) {
    if (!IsName(name)) {
      return absl::InvalidArgumentError(
          "a name is not 1 to 64 letters, digits, underscores and hyphens");
    }
    if (value.kind_case() == Value::kNullValue || value.kind_case() == Value::KIND_NOT_SET) {
      continue;
    }
    if (!encoder.Encode(value, 1, object[name])) return absl::InvalidArgumentError(encoder.error());
  }
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > limits::kAttributesBytesMax) {
    return absl::InvalidArgumentError("longer than 16 KiB as JSON");
  }
  return text;
}

absl::StatusOr<Struct> DecodeAttributes(absl::string_view text) {
  const json object = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::DataLossError("stored attributes are not an object");
  Struct attributes;
  for (const auto& [name, value] : object.items()) {
    Decode(value, (*attributes.mutable_fields())[name]);
  }
  return attributes;
}

}  // namespace herald::audience
