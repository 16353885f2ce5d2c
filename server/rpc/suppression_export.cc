#include "server/rpc/suppression_export.h"

#include "absl/strings/str_cat.h"
#include "server/rpc/preference_convert.h"
#include "server/rpc/request_check.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr int kPageMax = 1000;

}  // namespace

absl::Status SuppressionExport::Begin(const identity::Caller& caller) {
  RequestCheck check;
  tenant_ = caller.tenant;
  query_.limit = kPageMax;
  query_.after_id = 0;
  query_.reason = ReasonName("reason", request_.reason(), check);
  list_ = absl::StrCat(ListName(kMethod, tenant_), query_.reason);
  if (!request_.resume_token().empty()) {
    query_.after_id = parts_.tokens.OpenNumber(list_, request_.resume_token());
    if (!query_.after_id.has_value()) {
      check.Add("resume_token", "was not given by an export of this reason");
    }
  }
  if (!check.ok()) return check.status();
  if (!request_.reveal_emails()) return absl::OkStatus();
  return MayRevealEmail(parts_, caller, kMethod, "an export of suppressions");
}

absl::Status SuppressionExport::NextPage(Response& page) {
  const auto rows = parts_.preferences.suppressions->ListSuppressions(tenant_, query_);
  if (!rows.ok()) return FromStorage(rows.status());
  if (rows->empty()) return absl::OkStatus();
  const Reveal emails = request_.reveal_emails() ? Reveal::kInFull : Reveal::kRedacted;
  for (const storage::Suppression& row : *rows) ToProto(row, emails, *page.add_suppressions());
  query_.after_id = rows->back().id;
  page.set_resume_token(parts_.tokens.SealNumber(list_, rows->back().id));
  return absl::OkStatus();
}

}  // namespace herald::rpc
