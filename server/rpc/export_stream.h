#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/audience_parts.h"

namespace herald::rpc {

// One call that exports, be it a ContactExport or a SuppressionExport: reads a page as a
// search, writes it, and reads the next when the caller took it. Ends exactly once; keeps itself
// alive until gRPC is done with it.
template <class Export>
class ExportStream final : public grpc::ServerWriteReactor<typename Export::Response>,
                           public std::enable_shared_from_this<ExportStream<Export>> {
 public:
  using Request = typename Export::Request;
  using Response = typename Export::Response;

  // What gRPC's callback wants. `context` and `request` live until the stream is done.
  static grpc::ServerWriteReactor<Response>* Open(grpc::CallbackServerContext& context,
                                                  const Request& request,
                                                  const AudienceParts& parts);

 private:
  ExportStream(grpc::CallbackServerContext& context, const Request& request,
               const AudienceParts& parts);

  void Join();
  absl::Status Prepare();
  // Reads and writes one soon.
  void NextPage();
  void ReadPage();
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  grpc::CallbackServerContext& context_;
  const AudienceParts parts_;
  const MethodPolicy& policy_;
  const absl::Time begin_time_;

  // Of the one task that reads, or of the write that follows it.
  Export export_;
  TenantId tenant_;
  Response page_;

  absl::Mutex mu_;
  std::shared_ptr<ExportStream> self_;  // until OnDone
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace herald::rpc
