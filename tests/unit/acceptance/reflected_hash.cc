#include "tests/unit/acceptance/reflected_hash.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <vector>

#include "storage/crypto/sha256.h"

namespace herald::acceptance {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void AppendNumber(uint64_t value, std::string* out) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  out->append(bytes, sizeof(bytes));
}

void AppendBytes(const std::string& bytes, std::string* out) {
  AppendNumber(bytes.size(), out);
  out->append(bytes);
}

void AppendDouble(double value, std::string* out) {
  if (value == 0) value = 0;  // -0 equals 0
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  AppendNumber(bits, out);
}

void AppendMessage(const Message& message, std::string* out);

// Appends what `append` appends, with its length before it.
template <class Append>
void AppendSized(const Append& append, std::string* out) {
  const size_t at = out->size();
  AppendNumber(0, out);
  append();
  std::string size;
  AppendNumber(out->size() - at - sizeof(uint64_t), &size);
  out->replace(at, size.size(), size);
}

// A map is a set of entries: they come sorted by key, shorter keys first.
template <class Value, class AppendOne>
void AppendMap(const google::protobuf::Map<std::string, Value>& map, const AppendOne& append,
               std::string* out) {
  using Entry = typename google::protobuf::Map<std::string, Value>::value_type;
  std::vector<const Entry*> entries;
  entries.reserve(map.size());
  for (const Entry& entry : map) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) {
    return std::forward_as_tuple(a->first.size(), a->first) <
           std::forward_as_tuple(b->first.size(), b->first);
  });
  AppendNumber(entries.size(), out);
  for (const Entry* entry : entries) {
    AppendBytes(entry->first, out);
    append(entry->second);
  }
}

void AppendStruct(const google::protobuf::Struct& object, std::string* out);

void AppendVariable(const google::protobuf::Value& value, std::string* out) {
  if (value.kind_case() == google::protobuf::Value::KIND_NOT_SET) return;
  AppendNumber(static_cast<uint64_t>(value.kind_case()), out);
  switch (value.kind_case()) {
    case google::protobuf::Value::kNumberValue:
      return AppendDouble(value.number_value(), out);
    case google::protobuf::Value::kStringValue:
      return AppendBytes(value.string_value(), out);
    case google::protobuf::Value::kBoolValue:
      return AppendNumber(value.bool_value(), out);
    case google::protobuf::Value::kStructValue:
      return AppendSized([&] { AppendStruct(value.struct_value(), out); }, out);
    case google::protobuf::Value::kListValue:
      return AppendSized([&] { AppendMessage(value.list_value(), out); }, out);
    default:
      return AppendNumber(0, out);  // null
  }
}

void AppendStruct(const google::protobuf::Struct& object, std::string* out) {
  if (object.fields().empty()) return;
  AppendNumber(google::protobuf::Struct::kFieldsFieldNumber, out);
  AppendMap(
      object.fields(),
      [&](const google::protobuf::Value& value) {
        AppendSized([&] { AppendVariable(value, out); }, out);
      },
      out);
}

// One value of `field`: element `index` of a repeated one, or the value of a singular one (-1).
void AppendValue(const Message& message, const FieldDescriptor* field, int index,
                 std::string* out) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      AppendBytes(repeated ? reflection.GetRepeatedStringReference(message, field, index, &scratch)
                           : reflection.GetStringReference(message, field, &scratch),
                  out);
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      return AppendSized(
          [&] {
            AppendMessage(repeated ? reflection.GetRepeatedMessage(message, field, index)
                                   : reflection.GetMessage(message, field),
                          out);
          },
          out);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return AppendDouble(repeated ? reflection.GetRepeatedDouble(message, field, index)
                                   : reflection.GetDouble(message, field),
                          out);
    case FieldDescriptor::CPPTYPE_BOOL:
      return AppendNumber(repeated ? reflection.GetRepeatedBool(message, field, index)
                                   : reflection.GetBool(message, field),
                          out);
    case FieldDescriptor::CPPTYPE_ENUM:
      return AppendNumber(
          static_cast<uint64_t>(repeated ? reflection.GetRepeatedEnumValue(message, field, index)
                                         : reflection.GetEnumValue(message, field)),
          out);
    case FieldDescriptor::CPPTYPE_INT32:
      return AppendNumber(
          static_cast<uint64_t>(repeated ? reflection.GetRepeatedInt32(message, field, index)
                                         : reflection.GetInt32(message, field)),
          out);
    case FieldDescriptor::CPPTYPE_INT64:
      return AppendNumber(
          static_cast<uint64_t>(repeated ? reflection.GetRepeatedInt64(message, field, index)
                                         : reflection.GetInt64(message, field)),
          out);
    default:
      // The request has no other types; a test walks its descriptor.
      return;
  }
}

void AppendList(const Message& message, const FieldDescriptor* field, std::string* out) {
  const int count = message.GetReflection()->FieldSize(message, field);
  AppendNumber(static_cast<uint64_t>(count), out);
  for (int i = 0; i < count; ++i) AppendValue(message, field, i, out);
}

void AppendMessage(const Message& message, std::string* out) {
  if (message.GetDescriptor() == google::protobuf::Struct::descriptor()) {
    return AppendStruct(static_cast<const google::protobuf::Struct&>(message), out);
  }
  if (message.GetDescriptor() == google::protobuf::Value::descriptor()) {
    return AppendVariable(static_cast<const google::protobuf::Value&>(message), out);
  }
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);  // set ones, by number
  for (const FieldDescriptor* field : fields) {
    AppendNumber(static_cast<uint64_t>(field->number()), out);
    if (field->is_repeated()) {
      AppendList(message, field, out);
    } else {
      AppendValue(message, field, -1, out);
    }
  }
}

}  // namespace

std::string ReflectedRequestHash(const v1::SendEmailRequest& request, bool test) {
  std::vector<const FieldDescriptor*> fields;
  request.GetReflection()->ListFields(request, &fields);
  std::string canonical(1, test ? 'T' : 'L');
  canonical.reserve(1024);
  const auto append_text = [&](const std::string& text) { AppendBytes(text, &canonical); };
  for (const FieldDescriptor* field : fields) {
    if (field->number() == v1::SendEmailRequest::kIdempotencyKeyFieldNumber) continue;
    AppendNumber(static_cast<uint64_t>(field->number()), &canonical);
    if (field->number() == v1::SendEmailRequest::kHeadersFieldNumber) {
      AppendMap(request.headers(), append_text, &canonical);
    } else if (field->number() == v1::SendEmailRequest::kMetadataFieldNumber) {
      AppendMap(request.metadata(), append_text, &canonical);
    } else if (field->is_repeated()) {
      AppendList(request, field, &canonical);
    } else {
      AppendValue(request, field, -1, &canonical);
    }
  }
  return storage::Sha256(canonical);
}

}  // namespace herald::acceptance
