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

std::string Number(uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

std::string Sized(const std::string& bytes) { return Number(bytes.size()) + bytes; }

std::string Double(double value) {
  if (value == 0) value = 0;  // -0 equals 0
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return Number(bits);
}

std::string Fields(const Message& message, int left_out);

// The value of a singular field, set or not.
std::string Single(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Sized(reflection.GetString(message, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Sized(Fields(reflection.GetMessage(message, field), 0));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Double(reflection.GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return Number(reflection.GetBool(message, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return Number(static_cast<uint64_t>(reflection.GetEnumValue(message, field)));
    case FieldDescriptor::CPPTYPE_INT32:
      return Number(static_cast<uint64_t>(reflection.GetInt32(message, field)));
    case FieldDescriptor::CPPTYPE_INT64:
      return Number(static_cast<uint64_t>(reflection.GetInt64(message, field)));
    default:
      return "";  // the test that fills requests refuses other types
  }
}

// Lists are of messages, and the entries of a map are messages of a key and a value.
std::string Repeated(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  const int count = reflection.FieldSize(message, field);
  std::vector<std::tuple<size_t, std::string, std::string>> elements;
  for (int i = 0; i < count; ++i) {
    const Message& element = reflection.GetRepeatedMessage(message, field, i);
    if (field->is_map()) {
      const std::string key = Single(element, field->message_type()->map_key());
      elements.emplace_back(key.size(), key, Single(element, field->message_type()->map_value()));
    } else {
      elements.emplace_back(0, "", Sized(Fields(element, 0)));
    }
  }
  if (field->is_map()) std::sort(elements.begin(), elements.end());
  std::string bytes = Number(static_cast<uint64_t>(count));
  for (const auto& [size, key, value] : elements) bytes += key + value;
  return bytes;
}

std::string Fields(const Message& message, int left_out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);  // set ones, by number
  std::string bytes;
  for (const FieldDescriptor* field : fields) {
    if (field->number() == left_out) continue;
    bytes += Number(static_cast<uint64_t>(field->number()));
    bytes += field->is_repeated() ? Repeated(message, field) : Single(message, field);
  }
  return bytes;
}

}  // namespace

std::string ReflectedRequestHash(const v1::SendEmailRequest& request, bool test) {
  return storage::Sha256((test ? "T" : "L") +
                         Fields(request, v1::SendEmailRequest::kIdempotencyKeyFieldNumber));
}

}  // namespace herald::acceptance
