#include <utility>

#include "client/connection.h"
#include "client/herald_client.h"

namespace herald::client {
namespace {

using Templates = v1::TemplateService::StubInterface;

}  // namespace

absl::StatusOr<v1::Template> Client::CreateTemplate(const v1::CreateTemplateRequest& request,
                                                    const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::CreateTemplate, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::Template> Client::GetTemplate(const v1::GetTemplateRequest& request,
                                                 const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::GetTemplate, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ListTemplatesResponse> Client::ListTemplates(
    const v1::ListTemplatesRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::ListTemplates, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::DeleteTemplateResponse> Client::DeleteTemplate(
    const v1::DeleteTemplateRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::DeleteTemplate, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::TemplateVersion> Client::CreateTemplateVersion(
    const v1::CreateTemplateVersionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::CreateTemplateVersion, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::TemplateVersion> Client::GetTemplateVersion(
    const v1::GetTemplateVersionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::GetTemplateVersion, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::ListTemplateVersionsResponse> Client::ListTemplateVersions(
    const v1::ListTemplateVersionsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::ListTemplateVersions, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::Template> Client::PublishTemplateVersion(
    const v1::PublishTemplateVersionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::PublishTemplateVersion, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::RenderTemplateResponse> Client::RenderTemplate(
    const v1::RenderTemplateRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->templates, &Templates::RenderTemplate, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<SendResult> Client::SendTestEmail(const IdempotencyKey& key,
                                                 v1::SendTestEmailRequest request,
                                                 const CallOptions& options) const {
  request.set_idempotency_key(key.value());
  bool replayed = false;
  auto email = connection_->Call(*connection_->templates, &Templates::SendTestEmail, request,
                                 Repeat::kSafe, options, &replayed);
  if (!email.ok()) return email.status();
  return SendResult{*std::move(email), replayed};
}

}  // namespace herald::client
