#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "herald/v1/email_service.grpc.pb.h"
#include "herald/v1/template_service.grpc.pb.h"
#include "herald/v1/tenant_service.grpc.pb.h"

namespace herald::client {

// An error with the details that a real server attaches; empty parts are left out.
struct FakeError {
  grpc::StatusCode code;
  std::string message;
  std::string reason = {};
  std::map<std::string, std::string> metadata = {};
  std::vector<std::pair<std::string, std::string>> violations = {};
  absl::optional<absl::Duration> retry_delay = {};

  grpc::Status ToStatus() const;
};

// What the server saw of one call.
struct SeenCall {
  std::string method;  // "SendEmail"
  std::string authorization;
  std::string traceparent;
  absl::Duration deadline;  // what was left of it on arrival
};

// A gRPC server on a loopback port whose answers a test chooses. Errors queued with FailNext are
// answered first, one per call of any method; then the handler or a default answers.
class FakeHerald {
 public:
  FakeHerald();
  ~FakeHerald();

  const std::string& target() const { return target_; }
  void FailNext(FakeError error);
  std::vector<SeenCall> seen() const;

  // Handlers; set before the first call.
  std::function<grpc::Status(const v1::SendEmailRequest&, v1::Email*)> on_send;
  std::function<grpc::Status(const v1::SendEmailsRequest&, v1::SendEmailsResponse*)> on_send_many;
  std::function<grpc::Status(const v1::GetEmailRequest&, v1::Email*)> on_get;
  std::function<grpc::Status(const v1::ListEmailsRequest&, v1::ListEmailsResponse*)> on_list;
  std::function<grpc::Status(const v1::ListEmailEventsRequest&, v1::ListEmailEventsResponse*)>
      on_events;
  std::function<grpc::Status(grpc::ServerContext&, const v1::WatchEmailEventsRequest&,
                             grpc::ServerWriter<v1::WatchEmailEventsResponse>&)>
      on_watch;
  std::function<grpc::Status(const v1::RedriveEmailsRequest&, v1::RedriveEmailsResponse*)>
      on_redrive_many;
  std::function<grpc::Status(const v1::UpdateTenantRequest&, v1::Tenant*)> on_update_tenant;
  bool replay = false;  // SendEmail answers with herald-replayed: true
  bool serving = true;

 private:
  class Emails;
  class Templates;
  class Tenants;
  class Health;

  // Records the call; an error when one is queued.
  grpc::Status Arrive(const grpc::ServerContext& context, const char* method);

  std::string target_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  mutable absl::Mutex mu_;
  std::deque<FakeError> failures_ ABSL_GUARDED_BY(mu_);
  std::vector<SeenCall> seen_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::client
