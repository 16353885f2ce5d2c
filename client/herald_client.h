#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cancellation.h"
#include "client/client_options.h"
#include "client/error_details.h"
#include "client/idempotency_key.h"
#include "herald/v1/contact_service.pb.h"
#include "herald/v1/email_service.pb.h"
#include "herald/v1/template_service.pb.h"
#include "herald/v1/tenant_service.pb.h"

namespace herald::client {

struct SendResult {
  v1::Email email;
  // The key was known: `email` is the one first accepted.
  bool replayed = false;
};

// One item of SendEmails.
struct KeyedEmail {
  IdempotencyKey key;
  v1::SendEmailRequest request;
};

struct WatchOptions {
  // Cursor of the last batch that was handled; empty: from the oldest event kept.
  std::string cursor;
  // Start at the present end instead of `cursor`.
  bool from_now = false;
  // Deadline of one stream; the watch then goes on in a new one, so that long watches spread over
  // replicas.
  absl::Duration stream_lifetime = absl::Minutes(15);
  // Longest time without a word from the server before the watch fails with the last error.
  absl::Duration patience = absl::InfiniteDuration();
  // Not owned; null: only the callback ends the watch.
  Cancellation* cancellation = nullptr;
};

// Takes one batch of events together with the cursor to resume from once they are handled; a batch
// may be empty (a sign of life). Returns false to end the watch.
using WatchCallback = std::function<bool(const v1::WatchEmailEventsResponse& batch)>;

// Take one page of an export. Return false to end it.
using ExportCallback = std::function<bool(const v1::ExportContactsResponse& page)>;
using SuppressionExportCallback = std::function<bool(const v1::ExportSuppressionsResponse& page)>;

// Herald's API as plain blocking calls. Safe for concurrent use; one Client per process and token
// is enough: all its calls share a connection, and no other client does.
//
// Every call has a deadline. Errors carry the code and message of the server and, as payloads, its
// details: see ExtractErrorDetails. Calls that change nothing when repeated are tried again on
// kUnavailable, and on no other code, until their deadline; those marked "once" are not, because a
// lost answer would leave it open whether the first try took effect.
class Client {
 public:
  // kInvalidArgument or kNotFound when the options cannot work. Does not connect yet.
  static absl::StatusOr<Client> Create(ClientOptions options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // --- EmailService. `key` overwrites what the request says. ---

  absl::StatusOr<SendResult> SendEmail(const IdempotencyKey& key, v1::SendEmailRequest request,
                                       const CallOptions& options = {}) const;
  // One result per item, in their order.
  absl::StatusOr<std::vector<absl::StatusOr<SendResult>>> SendEmails(
      std::vector<KeyedEmail> emails, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Email> GetEmail(const v1::GetEmailRequest& request,
                                     const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListEmailsResponse> ListEmails(const v1::ListEmailsRequest& request,
                                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListEmailEventsResponse> ListEmailEvents(
      const v1::ListEmailEventsRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Email> CancelEmail(const v1::CancelEmailRequest& request,
                                        const CallOptions& options = {}) const;
  absl::StatusOr<v1::Email> RescheduleEmail(const v1::RescheduleEmailRequest& request,
                                            const CallOptions& options = {}) const;
  absl::StatusOr<v1::Email> RedriveEmail(const v1::RedriveEmailRequest& request,
                                         const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::RedriveEmailsResponse> RedriveEmails(
      const v1::RedriveEmailsRequest& request, const CallOptions& options = {}) const;  // once
  // Blocks and hands over batch after batch. After kUnavailable, and when a stream ends, it goes
  // on from the last cursor that `on_batch` returned from: each event arrives at least once.
  // Returns OK when `on_batch` ends it, kCancelled after Cancellation::Cancel, otherwise the error.
  absl::Status WatchEmailEvents(const WatchOptions& watch, const WatchCallback& on_batch) const;

  // --- TemplateService ---

  absl::StatusOr<v1::Template> CreateTemplate(const v1::CreateTemplateRequest& request,
                                              const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::Template> GetTemplate(const v1::GetTemplateRequest& request,
                                           const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListTemplatesResponse> ListTemplates(const v1::ListTemplatesRequest& request,
                                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::DeleteTemplateResponse> DeleteTemplate(
      const v1::DeleteTemplateRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::TemplateVersion> CreateTemplateVersion(
      const v1::CreateTemplateVersionRequest& request,
      const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::TemplateVersion> GetTemplateVersion(
      const v1::GetTemplateVersionRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListTemplateVersionsResponse> ListTemplateVersions(
      const v1::ListTemplateVersionsRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Template> PublishTemplateVersion(
      const v1::PublishTemplateVersionRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::RenderTemplateResponse> RenderTemplate(
      const v1::RenderTemplateRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<SendResult> SendTestEmail(const IdempotencyKey& key,
                                           v1::SendTestEmailRequest request,
                                           const CallOptions& options = {}) const;

  // --- ContactService ---

  absl::StatusOr<v1::Contact> CreateContact(const v1::CreateContactRequest& request,
                                            const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::Contact> GetContact(const v1::GetContactRequest& request,
                                         const CallOptions& options = {}) const;
  absl::StatusOr<v1::Contact> UpdateContact(const v1::UpdateContactRequest& request,
                                            const CallOptions& options = {}) const;
  absl::StatusOr<v1::DeleteContactResponse> DeleteContact(
      const v1::DeleteContactRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::ListContactsResponse> ListContacts(const v1::ListContactsRequest& request,
                                                        const CallOptions& options = {}) const;
  // Sends the requests in one stream, all of them again after kUnavailable: split a long import
  // into several calls, each of which is a checkpoint. Default deadline 10 minutes.
  absl::StatusOr<v1::ImportContactsResponse> ImportContacts(
      const std::vector<v1::ImportContactsRequest>& requests,
      const CallOptions& options = {}) const;
  // Blocks and hands over page after page, oldest contact first. After kUnavailable it goes on
  // behind the last page that `on_page` returned from. Returns OK at the end, and when `on_page`
  // ends it. The deadline, 10 minutes by default, is that of one stream.
  absl::Status ExportContacts(v1::ExportContactsRequest request, const ExportCallback& on_page,
                              const CallOptions& options = {}) const;
  absl::StatusOr<v1::Segment> CreateSegment(const v1::CreateSegmentRequest& request,
                                            const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::Segment> GetSegment(const v1::GetSegmentRequest& request,
                                         const CallOptions& options = {}) const;
  absl::StatusOr<v1::Segment> UpdateSegment(const v1::UpdateSegmentRequest& request,
                                            const CallOptions& options = {}) const;
  absl::StatusOr<v1::DeleteSegmentResponse> DeleteSegment(
      const v1::DeleteSegmentRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::ListSegmentsResponse> ListSegments(const v1::ListSegmentsRequest& request,
                                                        const CallOptions& options = {}) const;
  absl::StatusOr<v1::PreviewSegmentResponse> PreviewSegment(
      const v1::PreviewSegmentRequest& request, const CallOptions& options = {}) const;

  // --- TenantService, with the operator's token ---

  absl::StatusOr<v1::Tenant> CreateTenant(const v1::CreateTenantRequest& request,
                                          const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::Tenant> GetTenant(const v1::GetTenantRequest& request,
                                       const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListTenantsResponse> ListTenants(const v1::ListTenantsRequest& request,
                                                      const CallOptions& options = {}) const;
  absl::StatusOr<v1::Tenant> UpdateTenant(const v1::UpdateTenantRequest& request,
                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::TenantLimits> GetTenantLimits(const v1::GetTenantLimitsRequest& request,
                                                   const CallOptions& options = {}) const;
  absl::StatusOr<v1::TenantLimits> SetTenantLimits(const v1::SetTenantLimitsRequest& request,
                                                   const CallOptions& options = {}) const;
  absl::StatusOr<v1::CreateApiTokenResponse> CreateApiToken(
      const v1::CreateApiTokenRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::ListApiTokensResponse> ListApiTokens(const v1::ListApiTokensRequest& request,
                                                          const CallOptions& options = {}) const;
  absl::StatusOr<v1::ApiToken> RevokeApiToken(const v1::RevokeApiTokenRequest& request,
                                              const CallOptions& options = {}) const;
  absl::StatusOr<v1::Ledger> GetLedger(const v1::GetLedgerRequest& request,
                                       const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const v1::ListAuditEntriesRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListProviderAccountsResponse> ListProviderAccounts(
      const v1::ListProviderAccountsRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::ProviderAccount> DisableProviderAccount(
      const v1::DisableProviderAccountRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::ProviderAccount> EnableProviderAccount(
      const v1::EnableProviderAccountRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListTenantRoutesResponse> ListTenantRoutes(
      const v1::ListTenantRoutesRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::TenantRoute> UpdateTenantRoute(const v1::UpdateTenantRouteRequest& request,
                                                    const CallOptions& options = {}) const;

  // --- ContactService: categories, preferences, suppressions ---

  absl::StatusOr<v1::Category> CreateCategory(const v1::CreateCategoryRequest& request,
                                              const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::Category> GetCategory(const v1::GetCategoryRequest& request,
                                           const CallOptions& options = {}) const;
  absl::StatusOr<v1::ListCategoriesResponse> ListCategories(
      const v1::ListCategoriesRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::Category> UpdateCategory(const v1::UpdateCategoryRequest& request,
                                              const CallOptions& options = {}) const;
  absl::StatusOr<v1::DeleteCategoryResponse> DeleteCategory(
      const v1::DeleteCategoryRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::Preferences> GetPreferences(const v1::GetPreferencesRequest& request,
                                                 const CallOptions& options = {}) const;
  absl::StatusOr<v1::Preferences> SetPreferences(const v1::SetPreferencesRequest& request,
                                                 const CallOptions& options = {}) const;
  absl::StatusOr<v1::Suppression> CreateSuppression(const v1::CreateSuppressionRequest& request,
                                                    const CallOptions& options = {}) const;
  absl::StatusOr<v1::DeleteSuppressionResponse> DeleteSuppression(
      const v1::DeleteSuppressionRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::ListSuppressionsResponse> ListSuppressions(
      const v1::ListSuppressionsRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::CheckSuppressionResponse> CheckSuppression(
      const v1::CheckSuppressionRequest& request, const CallOptions& options = {}) const;
  // As ImportContacts and ExportContacts.
  absl::StatusOr<v1::ImportSuppressionsResponse> ImportSuppressions(
      const std::vector<v1::ImportSuppressionsRequest>& requests,
      const CallOptions& options = {}) const;
  absl::Status ExportSuppressions(v1::ExportSuppressionsRequest request,
                                  const SuppressionExportCallback& on_page,
                                  const CallOptions& options = {}) const;

  // --- TenantService: suppressions for every tenant, with the operator's token ---

  absl::StatusOr<v1::Suppression> CreateGlobalSuppression(
      const v1::CreateSuppressionRequest& request, const CallOptions& options = {}) const;
  absl::StatusOr<v1::DeleteSuppressionResponse> DeleteGlobalSuppression(
      const v1::DeleteSuppressionRequest& request, const CallOptions& options = {}) const;  // once
  absl::StatusOr<v1::ListSuppressionsResponse> ListGlobalSuppressions(
      const v1::ListSuppressionsRequest& request, const CallOptions& options = {}) const;

  // --- Standard gRPC health ---

  // Whether a service takes calls; the empty name asks for the whole server. Not repeated: the
  // answer is about now.
  absl::StatusOr<bool> IsServing(absl::string_view service, const CallOptions& options = {}) const;

 private:
  class Connection;
  explicit Client(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace herald::client
