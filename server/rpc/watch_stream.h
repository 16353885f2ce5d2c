#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/call.h"
#include "server/rpc/watch_hub.h"

namespace herald::rpc {

// One WatchEmailEvents call: authenticates, joins the hub, writes one message at a time, and ends
// exactly once. Keeps itself alive until gRPC is done with it.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchEmailEventsResponse>,
                          public Watcher,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  // What gRPC's callback wants.
  static grpc::ServerWriteReactor<v1::WatchEmailEventsResponse>* Open(
      grpc::CallbackServerContext& context, const v1::WatchEmailEventsRequest& request,
      WatchHub& hub, CallShell& shell);

  absl::Status Check() override;
  void Deliver(Message message) override;
  void End(const absl::Status& status) override;

 private:
  WatchStream(const grpc::CallbackServerContext& context,
              const v1::WatchEmailEventsRequest& request, WatchHub& hub, CallShell& shell);

  void Begin();
  void Join(const identity::Authenticator::Result& caller);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Copies: the call may be cancelled, and gRPC's own be gone, while the token is looked up.
  const std::string token_;
  const v1::WatchEmailEventsRequest request_;
  WatchHub& hub_;
  CallShell& shell_;
  const MethodPolicy& policy_;
  const absl::Time begin_time_;

  absl::Mutex mu_;
  std::shared_ptr<WatchStream> self_;  // until OnDone
  Message writing_ ABSL_GUARDED_BY(mu_);
  absl::optional<absl::Status> ending_ ABSL_GUARDED_BY(mu_);  // waits for the write to end
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  absl::optional<WatchHub::Key> key_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::rpc
