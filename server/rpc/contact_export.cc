#include "server/rpc/contact_export.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/contact_convert.h"
#include "server/rpc/request_check.h"

namespace herald::rpc {
namespace {

// Ids are found many at a time, since a filter may have to look at all contacts for each query, and
// loaded in small steps, since contacts may be large.
constexpr int kFindMax = 20'000;
constexpr size_t kLoadMax = 100;
constexpr size_t kPageMax = 1000;

}  // namespace

absl::Status ContactExport::Begin(const identity::Caller& caller) {
  tenant_ = caller.tenant;
  list_ = absl::StrCat(ListName(kMethod, tenant_), request_.filter());
  if (!request_.resume_token().empty()) {
    const absl::optional<int64_t> after = parts_.tokens.OpenNumber(list_, request_.resume_token());
    if (!after.has_value()) {
      return InvalidField("resume_token", "was not given by an export of this filter");
    }
    query_.after = ContactId{*after};
  }
  absl::StatusOr<storage::FilterNode> filter = RequestedFilter("filter", request_.filter());
  if (!filter.ok()) return filter.status();
  query_.filter = *std::move(filter);
  query_.order = storage::ContactQuery::Order::kOldestFirst;
  query_.limit = kFindMax;
  if (!request_.reveal_email()) return absl::OkStatus();
  return MayRevealEmail(parts_, caller, kMethod, "an export of contacts");
}

absl::Status ContactExport::FindMore() {
  const auto ids = parts_.searched.Find(tenant_, query_);
  if (!ids.ok()) return FilterError(ids.status());
  found_.assign(ids->begin(), ids->end());
  exhausted_ = ids->size() < static_cast<size_t>(kFindMax);
  if (!ids->empty()) query_.after = ids->back();
  return absl::OkStatus();
}

absl::Status ContactExport::AddSome(Response& page) {
  const size_t room = kPageMax - static_cast<size_t>(page.contacts_size());
  const size_t count = std::min({found_.size(), kLoadMax, room});
  const std::vector<ContactId> ids(found_.begin(),
                                   found_.begin() + static_cast<std::ptrdiff_t>(count));
  const auto records = parts_.searched.Load(tenant_, ids);
  if (!records.ok()) return ContactError(records.status());
  const Reveal email = request_.reveal_email() ? Reveal::kInFull : Reveal::kRedacted;
  ContactId last = ids.back();
  for (const storage::ContactRecord& record : *records) {
    v1::Contact& contact = *page.add_contacts();
    const absl::Status told = ToProto(record, email, contact);
    if (!told.ok()) return ContactError(told);
    page_bytes_ += contact.ByteSizeLong();
    if (page_bytes_ < kPageBytes) continue;
    last = record.id;
    break;
  }
  while (found_.front() != last) found_.pop_front();
  found_.pop_front();
  page.set_resume_token(parts_.tokens.SealNumber(list_, last.value));
  return absl::OkStatus();
}

absl::Status ContactExport::NextPage(Response& page) {
  if (found_.empty() && !exhausted_) {
    if (absl::Status status = FindMore(); !status.ok()) return status;
  }
  page_bytes_ = 0;
  while (!found_.empty() && page_bytes_ < kPageBytes &&
         static_cast<size_t>(page.contacts_size()) < kPageMax) {
    if (absl::Status status = AddSome(page); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace herald::rpc
