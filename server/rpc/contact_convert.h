#pragma once

#include "herald/v1/contact_service.pb.h"
#include "server/rpc/email_convert.h"
#include "storage/contact_filter.h"
#include "storage/segment_store.h"

namespace herald::rpc {

// kDataLoss: its attributes are not what was stored.
absl::Status ToProto(const storage::ContactRecord& record, Reveal email, v1::Contact& contact);
void ToProto(const storage::SegmentRow& row, v1::Segment& segment);

// What a store's error means to the caller of a contact method, or of a segment method.
absl::Status ContactError(const absl::Status& status);
absl::Status SegmentError(const absl::Status& status);
// What the error of a Find or Count means, whose filter may have taken too long.
absl::Status FilterError(const absl::Status& status);

// The filter of a request, or a violation of `field` that says where it is wrong.
absl::StatusOr<storage::FilterNode> RequestedFilter(absl::string_view field,
                                                    absl::string_view filter);

}  // namespace herald::rpc
