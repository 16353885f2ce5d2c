#include "server/rpc/segment_methods.h"

#include "server/audience/filter/parser.h"
#include "server/rpc/contact_convert.h"
#include "server/rpc/request_check.h"
#include "server/rpc/template_convert.h"

namespace herald::rpc {
namespace {

constexpr int kPageDefault = 50;
constexpr int kPageMax = 200;
constexpr int kSampleDefault = 10;
constexpr int kSampleMax = 50;
constexpr size_t kDisplayNameMax = 256;

// A segment's key has the form of a template's.
absl::Status KeyStatus(absl::string_view field, absl::string_view key) {
  RequestCheck check;
  CheckTemplateKey(field, key, check);
  return check.status();
}

void CheckFilter(const std::string& filter, RequestCheck& check) {
  const absl::string_view field = "segment.filter";
  if (!check.Present(field, filter)) return;
  const absl::StatusOr<storage::FilterNode> parsed = audience::ParseFilter(filter);
  if (!parsed.ok()) check.Add(field, parsed.status().message());
}

}  // namespace

absl::Status SegmentMethods::Create(const Call& call, const v1::CreateSegmentRequest& request,
                                    v1::Segment& response) {
  const v1::Segment& segment = request.segment();
  RequestCheck check;
  CheckTemplateKey("segment.key", segment.key(), check);
  check.AtMost("segment.display_name", segment.display_name(), kDisplayNameMax);
  CheckFilter(segment.filter(), check);
  if (!check.ok()) return check.status();
  storage::SegmentRow row;
  row.key = segment.key();
  row.display_name = segment.display_name();
  row.filter = segment.filter();
  const auto created = parts_.segments.CreateSegment(call.caller()->tenant, row);
  if (!created.ok()) return SegmentError(created.status());
  ToProto(*created, response);
  return absl::OkStatus();
}

absl::Status SegmentMethods::Get(const Call& call, const v1::GetSegmentRequest& request,
                                 v1::Segment& response) {
  const absl::Status key = KeyStatus("key", request.key());
  if (!key.ok()) return key;
  const auto row = parts_.segments.GetSegment(call.caller()->tenant, request.key());
  if (!row.ok()) return SegmentError(row.status());
  ToProto(*row, response);
  return absl::OkStatus();
}

absl::Status SegmentMethods::Update(const Call& call, const v1::UpdateSegmentRequest& request,
                                    v1::Segment& response) {
  const v1::Segment& segment = request.segment();
  RequestCheck check;
  CheckTemplateKey("segment.key", segment.key(), check);
  if (request.update_mask().paths().empty()) check.Add("update_mask", "is required");
  storage::SegmentChange change;
  for (int i = 0; i < request.update_mask().paths_size(); ++i) {
    const std::string& path = request.update_mask().paths(i);
    if (path == "display_name") {
      check.AtMost("segment.display_name", segment.display_name(), kDisplayNameMax);
      change.display_name = segment.display_name();
    } else if (path == "filter") {
      CheckFilter(segment.filter(), check);
      change.filter = segment.filter();
    } else {
      check.Add(absl::StrCat("update_mask.paths[", i, "]"), "names no field that can be changed");
    }
  }
  if (!check.ok()) return check.status();
  const auto row = parts_.segments.UpdateSegment(call.caller()->tenant, segment.key(), change);
  if (!row.ok()) return SegmentError(row.status());
  ToProto(*row, response);
  return absl::OkStatus();
}

absl::Status SegmentMethods::Delete(const Call& call, const v1::DeleteSegmentRequest& request,
                                    v1::DeleteSegmentResponse&) {
  const absl::Status key = KeyStatus("key", request.key());
  if (!key.ok()) return key;
  const absl::Status deleted = parts_.segments.DeleteSegment(call.caller()->tenant, request.key());
  return deleted.ok() ? deleted : SegmentError(deleted);
}

absl::Status SegmentMethods::List(const Call& call, const v1::ListSegmentsRequest& request,
                                  v1::ListSegmentsResponse& response) {
  RequestCheck check;
  const int page = PageSize(request.page_size(), kPageDefault, kPageMax, check);
  const TenantId tenant = call.caller()->tenant;
  const std::string list = ListName(call.method(), tenant);
  std::string after;
  if (!request.page_token().empty()) {
    const absl::optional<std::string> opened = parts_.tokens.Open(list, request.page_token());
    if (!opened.has_value()) check.Add("page_token", "was not given by this list");
    after = opened.value_or("");
  }
  if (!check.ok()) return check.status();
  const auto rows = parts_.segments.ListSegments(tenant, page + 1, after);
  if (!rows.ok()) return SegmentError(rows.status());
  for (const storage::SegmentRow& row : *rows) {
    if (response.segments_size() == page) {
      response.set_next_page_token(parts_.tokens.Seal(list, response.segments(page - 1).key()));
      break;
    }
    ToProto(row, *response.add_segments());
  }
  return absl::OkStatus();
}

absl::Status SegmentMethods::Preview(const Call& call, const v1::PreviewSegmentRequest& request,
                                     v1::PreviewSegmentResponse& response) {
  RequestCheck check;
  if (request.sample_size() < 0) check.Add("sample_size", "is negative");
  if (request.source_case() == v1::PreviewSegmentRequest::SOURCE_NOT_SET) {
    check.Add("source", "a key or a filter is required");
  }
  if (request.has_key()) CheckTemplateKey("key", request.key(), check);
  if (!check.ok()) return check.status();
  const TenantId tenant = call.caller()->tenant;
  std::string text = request.filter();
  if (request.has_key()) {
    const auto row = parts_.segments.GetSegment(tenant, request.key());
    if (!row.ok()) return SegmentError(row.status());
    text = row->filter;
  }
  const absl::StatusOr<storage::FilterNode> filter =
      RequestedFilter(request.has_key() ? "key" : "filter", text);
  if (!filter.ok()) return filter.status();
  const int sample =
      request.sample_size() == 0 ? kSampleDefault : std::min(request.sample_size(), kSampleMax);
  const auto count = parts_.searched.Count(tenant, *filter, sample);
  if (!count.ok()) return FilterError(count.status());
  response.set_contact_count(count->contacts);
  response.set_exact(count->exact);
  const auto records = parts_.searched.Load(tenant, count->sample);
  if (!records.ok()) return SegmentError(records.status());
  for (const storage::ContactRecord& record : *records) {
    const absl::Status told = ToProto(record, Reveal::kRedacted, *response.add_sample());
    if (!told.ok()) return told;
  }
  return absl::OkStatus();
}

}  // namespace herald::rpc
