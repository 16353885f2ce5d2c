#pragma once

#include <deque>
#include <string>

#include "herald/v1/contact_service.pb.h"
#include "server/rpc/audience_parts.h"
#include "server/rpc/email_convert.h"

namespace herald::rpc {

// What an ExportContacts call reads, page by page. Blocks; one thread at a time.
class ContactExport {
 public:
  using Request = v1::ExportContactsRequest;
  using Response = v1::ExportContactsResponse;
  static constexpr char kMethod[] = "herald.v1.ContactService/ExportContacts";

  // `parts` and `request` outlive it.
  ContactExport(const AudienceParts& parts, const Request& request)
      : parts_(parts), request_(request) {}

  // Checks the request of a caller. Once, before the first page.
  absl::Status Begin(const identity::Caller& caller);
  // Fills `page`, which is empty; leaves it so at the end.
  absl::Status NextPage(Response& page);

 private:
  absl::Status FindMore();
  // Moves the first of those found to `page`, as many as are loaded at a time and it has room for.
  absl::Status AddSome(Response& page);

  const AudienceParts& parts_;
  const Request& request_;
  TenantId tenant_;
  std::string list_;  // binds resume tokens
  storage::ContactQuery query_;
  std::deque<ContactId> found_;
  size_t page_bytes_ = 0;
  bool exhausted_ = false;
};

}  // namespace herald::rpc
