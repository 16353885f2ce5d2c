#pragma once

#include "herald/v1/contact_service.pb.h"
#include "server/rpc/audience_parts.h"

namespace herald::rpc {

// The unary methods of ContactService about contacts.
class ContactMethods {
 public:
  explicit ContactMethods(const AudienceParts& parts) : parts_(parts) {}

  absl::Status Create(const Call& call, const v1::CreateContactRequest& request,
                      v1::Contact& response);
  absl::Status Get(const Call& call, const v1::GetContactRequest& request, v1::Contact& response);
  absl::Status Update(const Call& call, const v1::UpdateContactRequest& request,
                      v1::Contact& response);
  absl::Status Delete(const Call& call, const v1::DeleteContactRequest& request,
                      v1::DeleteContactResponse& response);
  absl::Status List(const Call& call, const v1::ListContactsRequest& request,
                    v1::ListContactsResponse& response);

 private:
  absl::StatusOr<ContactId> Requested(const Call& call, const v1::GetContactRequest& request);

  const AudienceParts parts_;
};

}  // namespace herald::rpc
