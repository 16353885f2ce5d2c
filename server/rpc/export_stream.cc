#include "server/rpc/export_stream.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/contact_convert.h"
#include "server/rpc/method_policy.h"
#include "server/rpc/request_check.h"
#include "server/rpc/stream_caller.h"
#include "server/rpc/wire_status.h"

namespace herald::rpc {
namespace {

// Ids are found many at a time, since a filter may have to look at all contacts for each query, and
// loaded page by page.
constexpr int kFindMax = 20'000;
constexpr size_t kPageMax = 1000;

}  // namespace

grpc::ServerWriteReactor<v1::ExportContactsResponse>* ExportStream::Open(
    grpc::CallbackServerContext& context, const v1::ExportContactsRequest& request,
    const AudienceParts& parts) {
  std::shared_ptr<ExportStream> stream(new ExportStream(context, request, parts));
  stream->self_ = stream;
  stream->Submit(&ExportStream::Join);
  return stream.get();
}

ExportStream::ExportStream(grpc::CallbackServerContext& context,
                           const v1::ExportContactsRequest& request, const AudienceParts& parts)
    : context_(context),
      request_(request),
      parts_(parts),
      policy_(PolicyOf("herald.v1.ContactService/ExportContacts")),
      begin_time_(parts.shell.clock()) {}

void ExportStream::Submit(void (ExportStream::*step)()) {
  if (!parts_.shell.executor.Submit([stream = shared_from_this(), step] { (*stream.*step)(); })) {
    End(Overloaded());
  }
}

void ExportStream::Join() {
  const absl::Status prepared = Prepare();
  if (!prepared.ok()) return End(prepared);
  ReadPage();
}

absl::Status ExportStream::Prepare() {
  const auto caller = AdmitStream(context_, policy_, parts_.shell);
  if (!caller.ok()) return caller.status();
  tenant_ = (*caller)->tenant;
  list_ = absl::StrCat(ListName(policy_.method, tenant_), request_.filter());
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
  return MayRevealEmail(parts_, **caller, policy_.method, "an export of contacts");
}

absl::Status ExportStream::NextPage() {
  page_.Clear();
  if (found_.empty() && !exhausted_) {
    const auto ids = parts_.contacts.Find(tenant_, query_);
    if (!ids.ok()) return ids.status();
    found_.assign(ids->begin(), ids->end());
    exhausted_ = ids->size() < static_cast<size_t>(kFindMax);
    if (!ids->empty()) query_.after = ids->back();
  }
  if (found_.empty()) return absl::OkStatus();
  const size_t size = std::min(found_.size(), kPageMax);
  const std::vector<ContactId> ids(found_.begin(),
                                   found_.begin() + static_cast<std::ptrdiff_t>(size));
  found_.erase(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(size));
  const auto records = parts_.contacts.Load(tenant_, ids);
  if (!records.ok()) return records.status();
  const Reveal email = request_.reveal_email() ? Reveal::kInFull : Reveal::kRedacted;
  for (const storage::ContactRecord& record : *records) {
    const absl::Status told = ToProto(record, email, *page_.add_contacts());
    if (!told.ok()) return told;
  }
  page_.set_resume_token(parts_.tokens.SealNumber(list_, ids.back().value));
  return absl::OkStatus();
}

void ExportStream::ReadPage() {
  if (parts_.draining) return End(StreamDrained());
  const absl::Status read = NextPage();
  if (!read.ok()) return End(ContactError(read));
  if (page_.resume_token().empty()) return End(absl::OkStatus());
  absl::ReleasableMutexLock lock(&mu_);
  if (!cancelled_) {
    StartWrite(&page_);
    return;
  }
  lock.Release();
  End(CallerLeft());
}

void ExportStream::OnWriteDone(bool ok) {
  if (!ok) return End(CallerLeft());
  Submit(&ExportStream::ReadPage);
}

void ExportStream::End(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (finished_) return;
  finished_ = true;
  parts_.shell.observer.OnCall(policy_.method, status, parts_.shell.clock() - begin_time_);
  Finish(ToGrpcStatus(status));
}

// Whoever reads or writes sees it, and ends.
void ExportStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
}

void ExportStream::OnDone() {
  std::shared_ptr<ExportStream> last;  // released on return, when the lock is
  absl::MutexLock lock(&mu_);
  last.swap(self_);
}

}  // namespace herald::rpc
