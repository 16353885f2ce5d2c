#pragma once

#include "herald/v1/contact_service.pb.h"
#include "server/rpc/audience_parts.h"

namespace herald::rpc {

// The methods of ContactService about segments.
class SegmentMethods {
 public:
  explicit SegmentMethods(const AudienceParts& parts) : parts_(parts) {}

  absl::Status Create(const Call& call, const v1::CreateSegmentRequest& request,
                      v1::Segment& response);
  absl::Status Get(const Call& call, const v1::GetSegmentRequest& request, v1::Segment& response);
  absl::Status Update(const Call& call, const v1::UpdateSegmentRequest& request,
                      v1::Segment& response);
  absl::Status Delete(const Call& call, const v1::DeleteSegmentRequest& request,
                      v1::DeleteSegmentResponse& response);
  absl::Status List(const Call& call, const v1::ListSegmentsRequest& request,
                    v1::ListSegmentsResponse& response);
  absl::Status Preview(const Call& call, const v1::PreviewSegmentRequest& request,
                       v1::PreviewSegmentResponse& response);

 private:
  const AudienceParts parts_;
};

}  // namespace herald::rpc
