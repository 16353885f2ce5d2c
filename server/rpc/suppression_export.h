#pragma once

#include <string>

#include "herald/v1/preferences.pb.h"
#include "server/rpc/audience_parts.h"

namespace herald::rpc {

// What an ExportSuppressions call reads, page by page. Blocks; one thread at a time.
class SuppressionExport {
 public:
  using Request = v1::ExportSuppressionsRequest;
  using Response = v1::ExportSuppressionsResponse;
  static constexpr char kMethod[] = "herald.v1.ContactService/ExportSuppressions";

  // `parts` and `request` outlive it.
  SuppressionExport(const AudienceParts& parts, const Request& request)
      : parts_(parts), request_(request) {}

  // Checks the request of a caller. Once, before the first page.
  absl::Status Begin(const identity::Caller& caller);
  // Fills `page`, which is empty; leaves it so at the end.
  absl::Status NextPage(Response& page);

 private:
  const AudienceParts& parts_;
  const Request& request_;
  TenantId tenant_;
  std::string list_;  // binds resume tokens
  storage::SuppressionQuery query_;
};

}  // namespace herald::rpc
