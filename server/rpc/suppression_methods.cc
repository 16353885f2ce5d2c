#include "server/rpc/suppression_methods.h"

#include "absl/strings/str_cat.h"
#include "server/rpc/preference_convert.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr int kPageDefault = 50;
constexpr int kPageMax = 1000;

storage::SuppressionScope ScopeOf(const Call& call) {
  if (call.caller()->kind == identity::Caller::Kind::kOperator) return absl::nullopt;
  return call.caller()->tenant;
}

storage::AuditEntry AuditOf(const Call& call, absl::string_view target) {
  return {
      ScopeOf(call), call.caller()->Actor(), std::string(call.method()), std::string(target), {}};
}

}  // namespace

absl::Status SuppressionMethods::Create(const Call& call,
                                        const v1::CreateSuppressionRequest& request,
                                        v1::Suppression& response) {
  RequestCheck check;
  const storage::SuppressionScope scope = ScopeOf(call);
  const storage::NewSuppression row =
      ToSuppression("", request, !scope.has_value(), clock_(), check);
  if (!check.ok()) return check.status();
  const auto created = parts_.suppressions->CreateSuppression(scope, row, AuditOf(call, ""));
  if (!created.ok()) return FromStorage(created.status());
  ToProto(*created, Reveal::kRedacted, response);
  return absl::OkStatus();
}

absl::Status SuppressionMethods::Delete(const Call& call,
                                        const v1::DeleteSuppressionRequest& request,
                                        v1::DeleteSuppressionResponse&) {
  RequestCheck check;
  const std::string address = ToNormalised("email", request.email(), check);
  if (!check.ok()) return check.status();
  const auto kind = request.reason() == v1::Suppression::REASON_UNSUBSCRIBE
                        ? storage::SuppressionKind::kMarketing
                        : storage::SuppressionKind::kAllMail;
  const absl::Status deleted =
      parts_.suppressions->DeleteSuppression(ScopeOf(call), address, kind, AuditOf(call, ""));
  if (absl::IsNotFound(deleted)) {
    return MakeError(absl::StatusCode::kNotFound, "SUPPRESSION_NOT_FOUND",
                     "the address has no such suppression");
  }
  return deleted.ok() ? deleted : FromStorage(deleted);
}

absl::Status SuppressionMethods::List(const Call& call, const v1::ListSuppressionsRequest& request,
                                      v1::ListSuppressionsResponse& response) {
  RequestCheck check;
  const storage::SuppressionScope scope = ScopeOf(call);
  storage::SuppressionQuery query;
  const int page = PageSize(request.page_size(), kPageDefault, kPageMax, check);
  query.limit = page + 1;
  query.reason = ReasonName("reason", request.reason(), check);
  const std::string list =
      absl::StrCat(ListName(call.method(), scope.value_or(TenantId{})), query.reason);
  if (!request.page_token().empty()) {
    query.before_id = tokens_.OpenNumber(list, request.page_token());
    if (!query.before_id.has_value()) {
      check.Add("page_token", "was not given by a list of this filter");
    }
  }
  if (!check.ok()) return check.status();
  if (request.reveal_emails()) {
    if (scope.has_value()) {
      const absl::Status allowed = CheckScopes(*call.caller(), storage::kScopeManage);
      if (!allowed.ok()) return allowed;
    }
    const absl::Status noted = tenants_.WriteAuditEntry(AuditOf(call, "a page of suppressions"));
    if (!noted.ok()) return FromStorage(noted);
  }
  const auto rows = parts_.suppressions->ListSuppressions(scope, query);
  if (!rows.ok()) return FromStorage(rows.status());
  const Reveal emails = request.reveal_emails() ? Reveal::kInFull : Reveal::kRedacted;
  for (size_t i = 0; i < rows->size(); ++i) {
    if (response.suppressions_size() == page) {
      response.set_next_page_token(tokens_.SealNumber(list, (*rows)[i - 1].id));
      break;
    }
    ToProto((*rows)[i], emails, *response.add_suppressions());
  }
  return absl::OkStatus();
}

absl::Status SuppressionMethods::Check(const Call& call, const v1::CheckSuppressionRequest& request,
                                       v1::CheckSuppressionResponse& response) {
  RequestCheck check;
  const std::string address = ToNormalised("email", request.email(), check);
  if (!check.ok()) return check.status();
  const auto rows = parts_.suppressions->CheckSuppressions(call.caller()->tenant, address);
  if (!rows.ok()) return FromStorage(rows.status());
  for (const storage::Suppression& row : *rows) {
    ToProto(row, Reveal::kRedacted, *response.add_suppressions());
  }
  return absl::OkStatus();
}

}  // namespace herald::rpc
