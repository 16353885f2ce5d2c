#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "server/audience/contact_import.h"
#include "server/rpc/audience_parts.h"

namespace herald::rpc {

// One ImportContacts call. While one request is stored on the executor the next is read, and no
// third: the caller is held up by HTTP/2 flow control. Ends exactly once; keeps itself alive until
// gRPC is done with it.
class ImportStream final : public grpc::ServerReadReactor<v1::ImportContactsRequest>,
                           public std::enable_shared_from_this<ImportStream> {
 public:
  // What gRPC's callback wants. `context` and `response` live until the stream is done.
  static grpc::ServerReadReactor<v1::ImportContactsRequest>* Open(
      grpc::CallbackServerContext& context, v1::ImportContactsResponse& response,
      const AudienceParts& parts);

 private:
  ImportStream(grpc::CallbackServerContext& context, v1::ImportContactsResponse& response,
               const AudienceParts& parts);

  void Join();
  void Work();
  bool TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WithProgress(const absl::Status& status) const;

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  grpc::CallbackServerContext& context_;
  v1::ImportContactsResponse& response_;
  const AudienceParts parts_;
  const MethodPolicy& policy_;
  const absl::Time begin_time_;

  // Of the one task that works.
  absl::optional<audience::ContactImport> import_;
  v1::ImportContactsRequest storing_;

  absl::Mutex mu_;
  std::shared_ptr<ImportStream> self_;  // until OnDone
  v1::ImportContactsRequest reading_ ABSL_GUARDED_BY(mu_);
  bool read_ ABSL_GUARDED_BY(mu_) = false;      // `reading_` waits to be stored
  bool complete_ ABSL_GUARDED_BY(mu_) = false;  // nothing more will be read
  bool working_ ABSL_GUARDED_BY(mu_) = true;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace herald::rpc
