#pragma once

#include "server/acceptance/acceptor.h"
#include "server/rpc/call.h"
#include "server/rpc/page_token.h"
#include "server/rpc/served.h"
#include "server/rpc/watch_hub.h"
#include "storage/email_store.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// herald.v1.EmailService. The tenant is always the caller's.
class EmailService final : public Served {
 public:
  // All references outlive the service.
  EmailService(storage::EmailStore& emails, storage::EmailStore& searched,
               storage::TenantStore& tenants, acceptance::Acceptor& acceptor,
               const PageTokens& tokens, WatchHub& hub, CallShell& shell);
  ~EmailService() override;

  const char* name() const override;
  grpc::Service& grpc_service() override;
  const MethodSet& methods() const override { return methods_; }

 private:
  class Async;

  void AddAccepting();
  void AddReading();
  void AddChanging();

  void SendEmail(UnaryCall<v1::SendEmailRequest, v1::Email>& call);
  void SendEmails(UnaryCall<v1::SendEmailsRequest, v1::SendEmailsResponse>& call);
  void AnswerMany(const std::vector<absl::StatusOr<acceptance::Accepted>>& accepted,
                  UnaryCall<v1::SendEmailsRequest, v1::SendEmailsResponse>& call);
  absl::Status GetEmail(const Call& call, const v1::GetEmailRequest& request, v1::Email& email);
  absl::Status ListEmails(const Call& call, const v1::ListEmailsRequest& request,
                          v1::ListEmailsResponse& response);
  absl::Status ListEmailEvents(const Call& call, const v1::ListEmailEventsRequest& request,
                               v1::ListEmailEventsResponse& response);
  absl::Status CancelEmail(const Call& call, const v1::CancelEmailRequest& request,
                           v1::Email& email);
  absl::Status RescheduleEmail(const Call& call, const v1::RescheduleEmailRequest& request,
                               v1::Email& email);
  absl::Status RedriveEmail(const Call& call, const v1::RedriveEmailRequest& request,
                            v1::Email& email);
  absl::Status RedriveEmails(const Call& call, const v1::RedriveEmailsRequest& request,
                             v1::RedriveEmailsResponse& response);

  storage::EmailStore& emails_;
  storage::EmailStore& searched_;  // the same, for what may look at very many
  storage::TenantStore& tenants_;
  acceptance::Acceptor& acceptor_;
  const PageTokens& tokens_;
  CallShell& shell_;
  const std::unique_ptr<Async> async_;
  MethodSet methods_;
};

}  // namespace herald::rpc
