#pragma once

#include "herald/v1/preferences.pb.h"
#include "server/rpc/call.h"
#include "server/rpc/preference_parts.h"

namespace herald::rpc {

// The methods of ContactService about categories and preferences.
class CategoryMethods {
 public:
  explicit CategoryMethods(const PreferenceParts& parts) : parts_(parts) {}

  absl::Status Create(const Call& call, const v1::CreateCategoryRequest& request,
                      v1::Category& response);
  absl::Status Get(const Call& call, const v1::GetCategoryRequest& request, v1::Category& response);
  absl::Status List(const Call& call, const v1::ListCategoriesRequest& request,
                    v1::ListCategoriesResponse& response);
  absl::Status Update(const Call& call, const v1::UpdateCategoryRequest& request,
                      v1::Category& response);
  absl::Status Delete(const Call& call, const v1::DeleteCategoryRequest& request,
                      v1::DeleteCategoryResponse& response);
  absl::Status GetPreferences(const Call& call, const v1::GetPreferencesRequest& request,
                              v1::Preferences& response);
  absl::Status SetPreferences(const Call& call, const v1::SetPreferencesRequest& request,
                              v1::Preferences& response);

 private:
  const PreferenceParts parts_;
};

}  // namespace herald::rpc
