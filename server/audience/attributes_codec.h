#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/struct.pb.h"

namespace herald::audience {

// Attributes as JSON, the way they are stored: names in order, nulls on the outside left out.
// Numbers keep their value to the last bit. kInvalidArgument says what the rules of
// Contact.attributes do not allow, without repeating it.
absl::StatusOr<std::string> EncodeAttributes(const google::protobuf::Struct& attributes);

// What EncodeAttributes made, or PostgreSQL of it. kDataLoss: not an object.
absl::StatusOr<google::protobuf::Struct> DecodeAttributes(absl::string_view json);

}  // namespace herald::audience
