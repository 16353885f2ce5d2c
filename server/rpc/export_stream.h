#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "herald/v1/contact_service.pb.h"
#include "server/rpc/audience_parts.h"
#include "server/rpc/email_convert.h"

namespace herald::rpc {

// One ExportContacts call: reads a page on the executor, writes it, and reads the next when the
// caller took it. Ends exactly once; keeps itself alive until gRPC is done with it.
class ExportStream final : public grpc::ServerWriteReactor<v1::ExportContactsResponse>,
                           public std::enable_shared_from_this<ExportStream> {
 public:
  // What gRPC's callback wants. `context` and `request` live until the stream is done.
  static grpc::ServerWriteReactor<v1::ExportContactsResponse>* Open(
      grpc::CallbackServerContext& context, const v1::ExportContactsRequest& request,
      const AudienceParts& parts);

 private:
  ExportStream(grpc::CallbackServerContext& context, const v1::ExportContactsRequest& request,
               const AudienceParts& parts);

  // Runs `step` on the executor.
  void Submit(void (ExportStream::*step)());
  void Join();
  absl::Status Prepare();
  void ReadPage();
  // Fills `page_`; leaves it empty at the end.
  absl::Status NextPage();
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  grpc::CallbackServerContext& context_;
  const v1::ExportContactsRequest& request_;
  const AudienceParts parts_;
  const MethodPolicy& policy_;
  const absl::Time begin_time_;

  // Of the one task that reads, or of the write that follows it.
  TenantId tenant_;
  std::string list_;  // binds resume tokens
  storage::ContactQuery query_;
  std::deque<ContactId> found_;
  bool exhausted_ = false;
  v1::ExportContactsResponse page_;

  absl::Mutex mu_;
  std::shared_ptr<ExportStream> self_;  // until OnDone
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace herald::rpc
