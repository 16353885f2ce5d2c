#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "server/audience/contact_import.h"
#include "server/rpc/audience_parts.h"
#include "server/rpc/suppression_import.h"

namespace herald::rpc {

// What ImportStream runs: how an import begins, and what its errors mean to the caller.
struct ContactImporting {
  using Import = audience::ContactImport;
  using Request = v1::ImportContactsRequest;
  using Response = v1::ImportContactsResponse;
  static constexpr char kMethod[] = "herald.v1.ContactService/ImportContacts";
  static Import Begin(const AudienceParts& parts, const identity::Caller& caller);
  static absl::Status ToCaller(const absl::Status& status);
};
struct SuppressionImporting {
  using Import = SuppressionImport;
  using Request = v1::ImportSuppressionsRequest;
  using Response = v1::ImportSuppressionsResponse;
  static constexpr char kMethod[] = "herald.v1.ContactService/ImportSuppressions";
  static Import Begin(const AudienceParts& parts, const identity::Caller& caller);
  static absl::Status ToCaller(const absl::Status& status);
};

// One call that imports. While one request is stored on the executor the next is read, and no
// third: the caller is held up by HTTP/2 flow control. Ends exactly once; keeps itself alive until
// gRPC is done with it.
template <class Importing>
class ImportStream final : public grpc::ServerReadReactor<typename Importing::Request>,
                           public std::enable_shared_from_this<ImportStream<Importing>> {
 public:
  using Request = typename Importing::Request;
  using Response = typename Importing::Response;

  // What gRPC's callback wants. `context` and `response` live until the stream is done.
  static grpc::ServerReadReactor<Request>* Open(grpc::CallbackServerContext& context,
                                                Response& response, const AudienceParts& parts);

 private:
  ImportStream(grpc::CallbackServerContext& context, Response& response,
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
  Response& response_;
  const AudienceParts parts_;
  const MethodPolicy& policy_;
  const absl::Time begin_time_;

  // Of the one task that works.
  absl::optional<typename Importing::Import> import_;
  Request storing_;

  absl::Mutex mu_;
  std::shared_ptr<ImportStream> self_;  // until OnDone
  Request reading_ ABSL_GUARDED_BY(mu_);
  bool read_ ABSL_GUARDED_BY(mu_) = false;      // `reading_` waits to be stored
  bool complete_ ABSL_GUARDED_BY(mu_) = false;  // nothing more will be read
  bool working_ ABSL_GUARDED_BY(mu_) = true;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace herald::rpc
