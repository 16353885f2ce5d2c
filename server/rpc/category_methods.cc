#include "server/rpc/category_methods.h"

#include "absl/strings/str_cat.h"
#include "server/rpc/preference_convert.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr int kChoicesMax = 100;

absl::Status CategoryError(const absl::Status& status, absl::string_view key) {
  if (!ErrorReason(status).empty()) return status;
  const ErrorMetadata metadata = {{"category", std::string(key)}};
  if (absl::IsNotFound(status)) {
    return MakeError(absl::StatusCode::kNotFound, "CATEGORY_NOT_FOUND",
                     "there is no such category; create it first", metadata);
  }
  if (absl::IsAlreadyExists(status)) {
    return MakeError(absl::StatusCode::kAlreadyExists, "CATEGORY_EXISTS",
                     "there is a category with this key", metadata);
  }
  if (absl::IsFailedPrecondition(status)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "CATEGORY_KIND_FIXED",
                     "a deleted category of the other kind had this key; use another key",
                     metadata);
  }
  if (absl::IsResourceExhausted(status)) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CATEGORIES",
                     absl::StrCat("a tenant has at most ", storage::kCategoriesMax,
                                  " categories; delete one first"));
  }
  return FromStorage(status);
}

}  // namespace

absl::Status CategoryMethods::Create(const Call& call, const v1::CreateCategoryRequest& request,
                                     v1::Category& response) {
  RequestCheck check;
  const storage::Category row = ToCategory(request.category(), check);
  if (request.category().kind() != v1::Category::KIND_MARKETING &&
      request.category().kind() != v1::Category::KIND_TRANSACTIONAL) {
    check.Add("category.kind", "is required: transactional or marketing");
  }
  if (!check.ok()) return check.status();
  const TenantId tenant = call.caller()->tenant;
  const auto created = parts_.categories->CreateCategory(tenant, row);
  if (!created.ok()) return CategoryError(created.status(), row.key);
  parts_.catalog->Forget(tenant);
  ToProto(*created, response);
  return absl::OkStatus();
}

absl::Status CategoryMethods::Get(const Call& call, const v1::GetCategoryRequest& request,
                                  v1::Category& response) {
  RequestCheck check;
  if (!CheckCategoryKey("key", request.key(), check)) return check.status();
  const auto row = parts_.categories->GetCategory(call.caller()->tenant, request.key());
  if (!row.ok()) return CategoryError(row.status(), request.key());
  ToProto(*row, response);
  return absl::OkStatus();
}

absl::Status CategoryMethods::List(const Call& call, const v1::ListCategoriesRequest&,
                                   v1::ListCategoriesResponse& response) {
  const auto rows = parts_.categories->ListCategories(call.caller()->tenant,
                                                      /*with_deleted=*/false);
  if (!rows.ok()) return FromStorage(rows.status());
  for (const storage::Category& row : *rows) ToProto(row, *response.add_categories());
  return absl::OkStatus();
}

absl::Status CategoryMethods::Update(const Call& call, const v1::UpdateCategoryRequest& request,
                                     v1::Category& response) {
  google::protobuf::FieldMask mask = request.update_mask();
  if (mask.paths().empty()) {
    for (const char* path : {"display_name", "description", "default_out"}) mask.add_paths(path);
  }
  RequestCheck check;
  v1::Category wanted = request.category();
  storage::CategoryUpdate update;
  bool named = false;
  for (int i = 0; i < mask.paths_size(); ++i) {
    if (mask.paths(i) == "display_name") {
      named = true;
      update.display_name = wanted.display_name();
    } else if (mask.paths(i) == "description") {
      update.description = wanted.description();
    } else if (mask.paths(i) == "default_out") {
      update.default_in = !wanted.default_out();
    } else {
      check.Add(absl::StrCat("update_mask.paths[", i, "]"), "names no field that can be changed");
    }
  }
  if (!named) wanted.set_display_name("unchanged");
  ToCategory(wanted, check);
  if (!check.ok()) return check.status();
  const TenantId tenant = call.caller()->tenant;
  const auto row = parts_.categories->UpdateCategory(tenant, wanted.key(), update);
  if (!row.ok()) return CategoryError(row.status(), wanted.key());
  parts_.catalog->Forget(tenant);
  ToProto(*row, response);
  return absl::OkStatus();
}

absl::Status CategoryMethods::Delete(const Call& call, const v1::DeleteCategoryRequest& request,
                                     v1::DeleteCategoryResponse&) {
  RequestCheck check;
  if (!CheckCategoryKey("key", request.key(), check)) return check.status();
  const TenantId tenant = call.caller()->tenant;
  const absl::Status deleted = parts_.categories->DeleteCategory(tenant, request.key());
  if (!deleted.ok()) return CategoryError(deleted, request.key());
  parts_.catalog->Forget(tenant);
  return absl::OkStatus();
}

absl::Status CategoryMethods::GetPreferences(const Call& call,
                                             const v1::GetPreferencesRequest& request,
                                             v1::Preferences& response) {
  RequestCheck check;
  const storage::PreferenceSubject subject = ToSubject(request.subject(), check);
  if (!check.ok()) return check.status();
  const auto held = parts_.preferences->GetPreferences(call.caller()->tenant, subject);
  if (!held.ok()) return FromStorage(held.status());
  ToProto(request.subject(), *held, response);
  return absl::OkStatus();
}

absl::Status CategoryMethods::SetPreferences(const Call& call,
                                             const v1::SetPreferencesRequest& request,
                                             v1::Preferences& response) {
  RequestCheck check;
  const storage::PreferenceSubject subject = ToSubject(request.subject(), check);
  storage::PreferenceChange change;
  if (request.has_unsubscribed()) change.unsubscribed = request.unsubscribed();
  if (request.categories_size() > kChoicesMax) check.Add("categories", "more than 100");
  for (int i = 0; i < std::min(request.categories_size(), kChoicesMax); ++i) {
    const v1::CategoryPreference& wanted = request.categories(i);
    CheckCategoryKey(absl::StrCat("categories[", i, "].category"), wanted.category(), check);
    if (!v1::CategoryPreference::Choice_IsValid(wanted.choice())) {
      check.Add(absl::StrCat("categories[", i, "].choice"), "is not a choice");
    }
    absl::optional<bool> opted_in;
    if (wanted.choice() != v1::CategoryPreference::CHOICE_UNSPECIFIED) {
      opted_in = wanted.choice() == v1::CategoryPreference::CHOICE_IN;
    }
    change.categories.emplace_back(wanted.category(), opted_in);
  }
  if (!check.ok()) return check.status();
  const TenantId tenant = call.caller()->tenant;
  const storage::AuditEntry audit = {tenant,
                                     call.caller()->Actor(),
                                     std::string(call.method()),
                                     subject.address.empty() ? "a user" : "an address",
                                     {}};
  const auto held = parts_.preferences->SetPreferences(tenant, subject, change, audit);
  if (!held.ok()) return CategoryError(held.status(), held.status().message());
  ToProto(request.subject(), *held, response);
  return absl::OkStatus();
}

}  // namespace herald::rpc
