#include "server/rpc/export_stream.h"

#include "server/rpc/call_metadata.h"
#include "server/rpc/contact_export.h"
#include "server/rpc/method_policy.h"
#include "server/rpc/stream_caller.h"
#include "server/rpc/suppression_export.h"
#include "server/rpc/wire_status.h"

namespace herald::rpc {

template <class Export>
grpc::ServerWriteReactor<typename Export::Response>* ExportStream<Export>::Open(
    grpc::CallbackServerContext& context, const Request& request, const AudienceParts& parts) {
  std::shared_ptr<ExportStream> stream(new ExportStream(context, request, parts));
  stream->self_ = stream;
  if (!parts.shell.executor.Submit([stream] { stream->Join(); })) stream->End(Overloaded());
  return stream.get();
}

template <class Export>
ExportStream<Export>::ExportStream(grpc::CallbackServerContext& context, const Request& request,
                                   const AudienceParts& parts)
    : context_(context),
      parts_(parts),
      policy_(PolicyOf(Export::kMethod)),
      begin_time_(parts.shell.clock()),
      export_(parts_, request) {}

template <class Export>
void ExportStream<Export>::Join() {
  const absl::Status prepared = Prepare();
  if (!prepared.ok()) return End(prepared);
  NextPage();
}

template <class Export>
absl::Status ExportStream<Export>::Prepare() {
  const auto caller = AdmitStream(BearerToken(context_), policy_, parts_.shell);
  if (!caller.ok()) return caller.status();
  tenant_ = (*caller)->tenant;
  return export_.Begin(**caller);
}

template <class Export>
void ExportStream<Export>::NextPage() {
  if (!parts_.shell.searches.Submit(tenant_,
                                    [stream = this->shared_from_this()] { stream->ReadPage(); })) {
    End(Overloaded());
  }
}

template <class Export>
void ExportStream<Export>::ReadPage() {
  if (parts_.draining) return End(StreamDrained());
  page_.Clear();
  const absl::Status read = export_.NextPage(page_);
  if (!read.ok()) return End(read);
  if (page_.resume_token().empty()) return End(absl::OkStatus());
  absl::ReleasableMutexLock lock(&mu_);
  if (!cancelled_) {
    this->StartWrite(&page_);
    return;
  }
  lock.Release();
  End(CallerLeft());
}

template <class Export>
void ExportStream<Export>::OnWriteDone(bool ok) {
  if (!ok) return End(CallerLeft());
  NextPage();
}

template <class Export>
void ExportStream<Export>::End(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (finished_) return;
  finished_ = true;
  parts_.shell.observer.OnCall(policy_.method, status, parts_.shell.clock() - begin_time_);
  this->Finish(ToGrpcStatus(status));
}

// Whoever reads or writes sees it, and ends.
template <class Export>
void ExportStream<Export>::OnCancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
}

template <class Export>
void ExportStream<Export>::OnDone() {
  std::shared_ptr<ExportStream> last;  // released on return, when the lock is
  absl::MutexLock lock(&mu_);
  last.swap(self_);
}

template class ExportStream<ContactExport>;
template class ExportStream<SuppressionExport>;

}  // namespace herald::rpc
