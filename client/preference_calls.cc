#include <utility>

#include "client/bulk_streams.h"
#include "client/connection.h"
#include "client/herald_client.h"

namespace herald::client {
namespace {

using Contacts = v1::ContactService::StubInterface;
using Tenants = v1::TenantService::StubInterface;

}  // namespace

absl::StatusOr<v1::Category> Client::CreateCategory(const v1::CreateCategoryRequest& request,
                                                    const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::CreateCategory, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::Category> Client::GetCategory(const v1::GetCategoryRequest& request,
                                                 const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::GetCategory, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ListCategoriesResponse> Client::ListCategories(
    const v1::ListCategoriesRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::ListCategories, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::Category> Client::UpdateCategory(const v1::UpdateCategoryRequest& request,
                                                    const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::UpdateCategory, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::DeleteCategoryResponse> Client::DeleteCategory(
    const v1::DeleteCategoryRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::DeleteCategory, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::Preferences> Client::GetPreferences(const v1::GetPreferencesRequest& request,
                                                       const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::GetPreferences, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::Preferences> Client::SetPreferences(const v1::SetPreferencesRequest& request,
                                                       const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::SetPreferences, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::Suppression> Client::CreateSuppression(
    const v1::CreateSuppressionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::CreateSuppression, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::DeleteSuppressionResponse> Client::DeleteSuppression(
    const v1::DeleteSuppressionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::DeleteSuppression, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::ListSuppressionsResponse> Client::ListSuppressions(
    const v1::ListSuppressionsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::ListSuppressions, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::CheckSuppressionResponse> Client::CheckSuppression(
    const v1::CheckSuppressionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::CheckSuppression, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::ImportSuppressionsResponse> Client::ImportSuppressions(
    const std::vector<v1::ImportSuppressionsRequest>& requests, const CallOptions& options) const {
  return SendInBulk<v1::ImportSuppressionsResponse>(
      *connection_, requests, options, [this](auto* context, auto* response) {
        return connection_->contacts->ImportSuppressions(context, response);
      });
}

absl::Status Client::ExportSuppressions(v1::ExportSuppressionsRequest request,
                                        const SuppressionExportCallback& on_page,
                                        const CallOptions& options) const {
  return ReceiveInBulk(*connection_, std::move(request), on_page, options,
                       [this](auto* context, const auto& asked) {
                         return connection_->contacts->ExportSuppressions(context, asked);
                       });
}

absl::StatusOr<v1::Suppression> Client::CreateGlobalSuppression(
    const v1::CreateSuppressionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::CreateGlobalSuppression, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::DeleteSuppressionResponse> Client::DeleteGlobalSuppression(
    const v1::DeleteSuppressionRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::DeleteGlobalSuppression, request,
                           Repeat::kOnce, options);
}

absl::StatusOr<v1::ListSuppressionsResponse> Client::ListGlobalSuppressions(
    const v1::ListSuppressionsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::ListGlobalSuppressions, request,
                           Repeat::kSafe, options);
}

}  // namespace herald::client
