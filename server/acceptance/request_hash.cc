#include "server/acceptance/request_hash.h"

#include <algorithm>
#include <cstring>
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
      std::string nested;
      AppendMessage(repeated ? reflection.GetRepeatedMessage(message, field, index)
                             : reflection.GetMessage(message, field),
                    &nested);
      AppendBytes(nested, out);
      return;
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

void AppendRepeated(const Message& message, const FieldDescriptor* field, std::string* out) {
  std::vector<std::string> elements;
  const int count = message.GetReflection()->FieldSize(message, field);
  elements.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    std::string element;
    if (field->is_map()) {
      // Key and value both, set or not: clients differ in whether they send empty ones.
      const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
      AppendValue(entry, entry.GetDescriptor()->map_key(), -1, &element);
      AppendValue(entry, entry.GetDescriptor()->map_value(), -1, &element);
    } else {
      AppendValue(message, field, i, &element);
    }
    elements.push_back(std::move(element));
  }
  // A map is a set of entries; a list keeps its order.
  if (field->is_map()) std::sort(elements.begin(), elements.end());
  AppendNumber(elements.size(), out);
  for (const std::string& element : elements) out->append(element);
}

void AppendMessage(const Message& message, std::string* out) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);  // set ones, by number
  for (const FieldDescriptor* field : fields) {
    AppendNumber(static_cast<uint64_t>(field->number()), out);
    if (field->is_repeated()) {
      AppendRepeated(message, field, out);
    } else {
      AppendValue(message, field, -1, out);
    }
  }
}

}  // namespace

std::string CanonicalRequestHash(const v1::SendEmailRequest& request, bool test) {
  const FieldDescriptor* key = v1::SendEmailRequest::descriptor()->FindFieldByNumber(
      v1::SendEmailRequest::kIdempotencyKeyFieldNumber);
  std::vector<const FieldDescriptor*> fields;
  request.GetReflection()->ListFields(request, &fields);
  std::string canonical(1, test ? 'T' : 'L');
  canonical.reserve(1024);
  for (const FieldDescriptor* field : fields) {
    if (field == key) continue;
    AppendNumber(static_cast<uint64_t>(field->number()), &canonical);
    if (field->is_repeated()) {
      AppendRepeated(request, field, &canonical);
    } else {
      AppendValue(request, field, -1, &canonical);
    }
  }
  return storage::Sha256(canonical);
}

}  // namespace herald::acceptance
