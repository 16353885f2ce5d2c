#include "server/rpc/import_stream.h"

#include "absl/strings/str_cat.h"
#include "server/rpc/call_metadata.h"
#include "server/rpc/contact_convert.h"
#include "server/rpc/method_policy.h"
#include "server/rpc/stream_caller.h"
#include "server/rpc/wire_status.h"
#include "server/status/status_details.h"

namespace herald::rpc {

audience::ContactImport ContactImporting::Begin(const AudienceParts& parts,
                                                const identity::Caller& caller) {
  return audience::ContactImport(parts.contacts, parts.contact_ids, caller.tenant,
                                 parts.shell.clock);
}

absl::Status ContactImporting::ToCaller(const absl::Status& status) { return ContactError(status); }

SuppressionImport SuppressionImporting::Begin(const AudienceParts& parts,
                                              const identity::Caller& caller) {
  return SuppressionImport(*parts.preferences.suppressions,
                           {caller.tenant, caller.Actor(), kMethod, {}, {}}, parts.shell.clock);
}

absl::Status SuppressionImporting::ToCaller(const absl::Status& status) {
  return FromStorage(status);
}

template <class Importing>
grpc::ServerReadReactor<typename Importing::Request>* ImportStream<Importing>::Open(
    grpc::CallbackServerContext& context, Response& response, const AudienceParts& parts) {
  std::shared_ptr<ImportStream> stream(new ImportStream(context, response, parts));
  stream->self_ = stream;
  if (!parts.shell.executor.Submit([stream] { stream->Join(); })) {
    absl::MutexLock lock(&stream->mu_);
    stream->End(Overloaded());
  }
  return stream.get();
}

template <class Importing>
ImportStream<Importing>::ImportStream(grpc::CallbackServerContext& context, Response& response,
                                      const AudienceParts& parts)
    : context_(context),
      response_(response),
      parts_(parts),
      policy_(PolicyOf(Importing::kMethod)),
      begin_time_(parts.shell.clock()) {}

template <class Importing>
void ImportStream<Importing>::Join() {
  const auto caller = AdmitStream(BearerToken(context_), policy_, parts_.shell);
  absl::MutexLock lock(&mu_);
  working_ = false;
  if (!caller.ok()) return End(caller.status());
  if (cancelled_) return End(CallerLeft());
  import_.emplace(Importing::Begin(parts_, **caller));
  this->StartRead(&reading_);
}

template <class Importing>
void ImportStream<Importing>::OnReadDone(bool ok) {
  absl::MutexLock lock(&mu_);
  if (ok) {
    read_ = true;
  } else {
    complete_ = true;
  }
  if (working_ || finished_) return;
  working_ = true;
  if (!parts_.shell.executor.Submit([stream = this->shared_from_this()] { stream->Work(); })) {
    working_ = false;
    End(Overloaded());
  }
}

// Stores what was read, then makes way for other calls before it goes on.
template <class Importing>
void ImportStream<Importing>::Work() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (!TakeNext()) return;
    }
    const absl::Status status = import_->Add(storing_);
    absl::MutexLock lock(&mu_);
    if (!status.ok()) {
      working_ = false;
      return End(status);
    }
    if (parts_.shell.executor.Submit([stream = this->shared_from_this()] { stream->Work(); }))
      return;
  }
}

// Moves the request that was read to `storing_` and reads the next one meanwhile. False when there
// is none, or the stream is over.
template <class Importing>
bool ImportStream<Importing>::TakeNext() {
  if (finished_) return false;
  if (read_ && !cancelled_ && !parts_.draining) {
    storing_.Swap(&reading_);
    reading_.Clear();
    read_ = false;
    if (!complete_) this->StartRead(&reading_);
    return true;
  }
  working_ = false;
  if (cancelled_) {
    End(CallerLeft());
  } else if (read_) {
    End(StreamDrained());
  } else if (complete_) {
    End(absl::OkStatus());
  }
  return false;
}

// Tells a caller whose import broke where to go on.
template <class Importing>
absl::Status ImportStream<Importing>::WithProgress(const absl::Status& status) const {
  return WithMetadata(Importing::ToCaller(status),
                      {{"stored_rows", absl::StrCat(import_->result().row_count())}});
}

template <class Importing>
void ImportStream<Importing>::End(const absl::Status& status) {
  if (finished_) return;
  finished_ = true;
  absl::Status told = status;
  if (status.ok()) {
    response_ = import_->result();
  } else if (import_.has_value()) {
    told = WithProgress(status);
  }
  parts_.shell.observer.OnCall(policy_.method, told, parts_.shell.clock() - begin_time_);
  this->Finish(ToGrpcStatus(told));
}

template <class Importing>
void ImportStream<Importing>::OnCancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (!working_) End(CallerLeft());
}

template <class Importing>
void ImportStream<Importing>::OnDone() {
  std::shared_ptr<ImportStream> last;  // released on return, when the lock is
  absl::MutexLock lock(&mu_);
  last.swap(self_);
}

template class ImportStream<ContactImporting>;
template class ImportStream<SuppressionImporting>;

}  // namespace herald::rpc
