#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/field_mask.pb.h"
#include "herald/v1/contact_service.pb.h"
#include "server/status/status_details.h"
#include "storage/contact.h"

namespace herald::audience {

// The contact to store, without an id, and everything that is wrong with it: fields named as in
// Contact ("email", "tags[3]"), after `prefix`.
storage::NewContact CheckContact(const v1::Contact& contact, absl::string_view prefix,
                                 std::vector<FieldViolation>& violations);

// What UpdateContact changes. The error carries all violations, fields named as in the request.
absl::StatusOr<storage::ContactChange> CheckChange(const v1::Contact& contact,
                                                   const google::protobuf::FieldMask& mask);

}  // namespace herald::audience
