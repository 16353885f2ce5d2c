#include <utility>

#include "client/connection.h"
#include "client/error_details.h"
#include "client/herald_client.h"

namespace herald::client {
namespace {

using Emails = v1::EmailService::StubInterface;

absl::StatusOr<SendResult> FromItem(v1::SendEmailsResult item) {
  if (item.has_email()) return SendResult{std::move(*item.mutable_email()), item.replayed()};
  absl::Status error = FromRpcStatus(item.error());
  if (error.ok()) return absl::InternalError("the server answered neither an email nor an error");
  return error;
}

}  // namespace

absl::StatusOr<SendResult> Client::SendEmail(const IdempotencyKey& key,
                                             v1::SendEmailRequest request,
                                             const CallOptions& options) const {
  request.set_idempotency_key(key.value());
  bool replayed = false;
  auto email = connection_->Call(*connection_->emails, &Emails::SendEmail, request, Repeat::kSafe,
                                 options, &replayed);
  if (!email.ok()) return email.status();
  return SendResult{*std::move(email), replayed};
}

absl::StatusOr<std::vector<absl::StatusOr<SendResult>>> Client::SendEmails(
    std::vector<KeyedEmail> emails, const CallOptions& options) const {
  v1::SendEmailsRequest request;
  for (KeyedEmail& email : emails) {
    email.request.set_idempotency_key(email.key.value());
    *request.add_emails() = std::move(email.request);
  }
  auto response =
      connection_->Call(*connection_->emails, &Emails::SendEmails, request, Repeat::kSafe, options);
  if (!response.ok()) return response.status();
  if (response->results_size() != request.emails_size()) {
    return absl::InternalError("the server answered another number of results than of emails");
  }
  std::vector<absl::StatusOr<SendResult>> results;
  results.reserve(emails.size());
  for (auto& item : *response->mutable_results()) results.push_back(FromItem(std::move(item)));
  return results;
}

absl::StatusOr<v1::Email> Client::GetEmail(const v1::GetEmailRequest& request,
                                           const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::GetEmail, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ListEmailsResponse> Client::ListEmails(const v1::ListEmailsRequest& request,
                                                          const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::ListEmails, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ListEmailEventsResponse> Client::ListEmailEvents(
    const v1::ListEmailEventsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::ListEmailEvents, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Email> Client::CancelEmail(const v1::CancelEmailRequest& request,
                                              const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::CancelEmail, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Email> Client::RescheduleEmail(const v1::RescheduleEmailRequest& request,
                                                  const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::RescheduleEmail, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Email> Client::RedriveEmail(const v1::RedriveEmailRequest& request,
                                               const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::RedriveEmail, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::RedriveEmailsResponse> Client::RedriveEmails(
    const v1::RedriveEmailsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->emails, &Emails::RedriveEmails, request, Repeat::kOnce,
                           options);
}

}  // namespace herald::client
